//! What an account sees of the calls made in it, and what its organisation lets it do.

use aws_sdk_cloudtrail::Client;
use aws_sdk_cloudtrail::types::{Event, LookupAttribute, LookupAttributeKey};
use conformance::local_aws::{Fault, FaultRule, Outage};
use conformance::{Account, aws, code, controlled};

fn trail(account: &Account) -> Client {
    Client::new(&account.config)
}

fn by(key: LookupAttributeKey, value: &str) -> LookupAttribute {
    LookupAttribute::builder()
        .attribute_key(key)
        .attribute_value(value)
        .build()
        .expect("an attribute")
}

async fn events(client: &Client, attribute: LookupAttribute) -> Vec<Event> {
    let found = client.lookup_events().lookup_attributes(attribute).send().await;
    found.expect("events").events.unwrap_or_default()
}

/// A call is an event of its account, with who made it and what was answered.
/// https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-record-contents.html
#[tokio::test]
async fn a_call_is_an_event_of_its_account() {
    let Some(aws) = controlled().await else { return };
    let ec2 = aws_sdk_ec2::Client::new(&aws.customer().config);
    ec2.create_vpc()
        .cidr_block("10.0.0.0/16")
        .send()
        .await
        .expect("a VPC");
    let refused = ec2.create_vpc().cidr_block("10.0.0.0/99").send().await;
    code(refused);
    let found = events(
        &trail(aws.customer()),
        by(LookupAttributeKey::EventName, "CreateVpc"),
    )
    .await;
    assert_eq!(found.len(), 2);
    assert_eq!(found[1].event_source(), Some("ec2.amazonaws.com"));
    assert_eq!(found[1].read_only(), Some("false"));
    let newest = found[0].cloud_trail_event().expect("the whole event");
    assert!(
        newest.contains("\"errorCode\"") && newest.contains("\"type\":\"Root\""),
        "{newest}"
    );
    assert!(
        events(
            &trail(aws.vendor()),
            by(LookupAttributeKey::EventName, "CreateVpc")
        )
        .await
        .is_empty()
    );
}

/// A role of an account that somebody of another account assumes is an event in both.
/// https://docs.aws.amazon.com/IAM/latest/UserGuide/cloudtrail-integration.html
#[tokio::test]
async fn assuming_a_role_is_an_event_in_both_accounts() {
    let Some(aws) = controlled().await else { return };
    let role = format!("arn:aws:iam::{}:role/none", aws.customer().id);
    let sts = aws_sdk_sts::Client::new(&aws.vendor().config);
    let refused = sts
        .assume_role()
        .role_arn(&role)
        .role_session_name("s")
        .send()
        .await;
    code(refused);
    for account in [aws.vendor(), aws.customer()] {
        let found = events(&trail(account), by(LookupAttributeKey::EventName, "AssumeRole")).await;
        assert_eq!(found.len(), 1, "{}", account.id);
    }
}

/// Calls that move data are not among the management events.
/// https://docs.aws.amazon.com/awscloudtrail/latest/userguide/logging-data-events-with-cloudtrail.html
#[tokio::test]
async fn data_events_are_not_looked_up() {
    let Some(aws) = controlled().await else { return };
    let kinesis = aws_sdk_kinesis::Client::new(&aws.vendor().config);
    kinesis
        .create_stream()
        .stream_name("s")
        .shard_count(1)
        .send()
        .await
        .expect("a stream");
    let data = aws_sdk_kinesis::primitives::Blob::new("x");
    kinesis
        .put_record()
        .stream_name("s")
        .partition_key("p")
        .data(data)
        .send()
        .await
        .expect("put");
    let client = trail(aws.vendor());
    assert_eq!(
        events(&client, by(LookupAttributeKey::EventName, "CreateStream"))
            .await
            .len(),
        1
    );
    assert!(
        events(&client, by(LookupAttributeKey::EventName, "PutRecord"))
            .await
            .is_empty()
    );
}

/// One attribute at a time, a page of at most fifty, a range that begins before it ends.
/// https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_LookupEvents.html
#[tokio::test]
async fn a_lookup_out_of_bounds_is_refused() {
    let aws = aws().await;
    let client = trail(aws.vendor());
    let two = client
        .lookup_events()
        .lookup_attributes(by(LookupAttributeKey::EventName, "a"))
        .lookup_attributes(by(LookupAttributeKey::Username, "b"))
        .send()
        .await;
    assert_eq!(code(two), "InvalidLookupAttributesException");
    assert_eq!(
        code(client.lookup_events().max_results(51).send().await),
        "InvalidMaxResultsException"
    );
    let time = aws_sdk_cloudtrail::primitives::DateTime::from_secs;
    let range = client
        .lookup_events()
        .start_time(time(200))
        .end_time(time(100))
        .send()
        .await;
    assert_eq!(code(range), "InvalidTimeRangeException");
    assert_eq!(
        code(client.lookup_events().next_token("no token!").send().await),
        "InvalidNextTokenException"
    );
}

/// Events come in pages, the newest first.
/// https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_LookupEvents.html
#[tokio::test]
async fn events_come_in_pages() {
    let Some(aws) = controlled().await else { return };
    let ec2 = aws_sdk_ec2::Client::new(&aws.vendor().config);
    for _ in 0..3 {
        ec2.describe_vpcs().send().await.expect("VPCs");
    }
    let client = trail(aws.vendor());
    let page = || {
        client
            .lookup_events()
            .lookup_attributes(by(LookupAttributeKey::EventName, "DescribeVpcs"))
            .max_results(2)
    };
    let first = page().send().await.expect("a page");
    assert_eq!(first.events().len(), 2);
    let second = page()
        .set_next_token(first.next_token.clone())
        .send()
        .await
        .expect("a page");
    assert_eq!((second.events().len(), second.next_token()), (1, None));
}

/// A service control policy limits everybody in an account, its root user too, and lets nobody do more.
/// https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_policies_scps.html
#[tokio::test]
async fn a_service_control_policy_limits_the_root_user_too() {
    let Some(aws) = controlled().await else { return };
    let (ec2, other) = (
        aws_sdk_ec2::Client::new(&aws.customer().config),
        aws_sdk_ec2::Client::new(&aws.vendor().config),
    );
    let deny = r#"{"Version":"2012-10-17","Statement":[
        {"Effect":"Allow","Action":"*","Resource":"*"},
        {"Effect":"Deny","Action":"ec2:CreateVpc","Resource":"*"}]}"#;
    aws.control()
        .set_scp(&aws.customer().id, Some(deny))
        .expect("a policy");
    let refused = ec2.create_vpc().cidr_block("10.0.0.0/16").send().await;
    let text = format!("{refused:?}");
    assert_eq!(code(refused), "UnauthorizedOperation");
    assert!(text.contains("service control policy"), "{text}");
    ec2.describe_vpcs().send().await.expect("the rest is allowed");
    other
        .create_vpc()
        .cidr_block("10.0.0.0/16")
        .send()
        .await
        .expect("other accounts are not limited");
    let only = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"*"}]}"#;
    aws.control()
        .set_scp(&aws.customer().id, Some(only))
        .expect("a policy");
    assert_eq!(
        code(ec2.describe_vpcs().send().await),
        "UnauthorizedOperation",
        "what is not allowed is denied"
    );
    aws.control().set_scp(&aws.customer().id, None).expect("ended");
    ec2.create_vpc()
        .cidr_block("10.0.0.0/16")
        .send()
        .await
        .expect("as before");
}

/// A lost region does not answer; the others do, and so do global services.
/// https://docs.aws.amazon.com/whitepapers/latest/aws-fault-isolation-boundaries/regions.html
#[tokio::test]
async fn a_lost_region_does_not_answer() {
    let Some(aws) = controlled().await else { return };
    let lost = Outage::Region(aws.region().to_owned());
    aws.control().begin_outage(lost.clone());
    let here = aws_sdk_ec2::Client::new(&aws.vendor().config)
        .describe_vpcs()
        .send()
        .await;
    assert!(here.expect_err("nobody answers").raw_response().is_none());
    let elsewhere = aws_sdk_ec2::Client::new(&aws.vendor().in_region("us-east-1"));
    elsewhere
        .describe_vpcs()
        .send()
        .await
        .expect("another region answers");
    aws_sdk_iam::Client::new(&aws.vendor().config)
        .list_roles()
        .send()
        .await
        .expect("IAM is global");
    aws.control().end_outage(&lost);
    aws_sdk_ec2::Client::new(&aws.vendor().config)
        .describe_vpcs()
        .send()
        .await
        .expect("it is back");
}

/// PutRecords may fail for some of its records; those are not in the stream, the others are.
/// https://docs.aws.amazon.com/kinesis/latest/APIReference/API_PutRecords.html
#[tokio::test]
async fn some_records_of_a_batch_may_fail() {
    let Some(aws) = controlled().await else { return };
    let kinesis = aws_sdk_kinesis::Client::new(&aws.vendor().config);
    kinesis
        .create_stream()
        .stream_name("s")
        .shard_count(1)
        .send()
        .await
        .expect("a stream");
    assert!(aws.control().add_fault(FaultRule::on(
        "PutRecords",
        Fault::Partial { per_million: 300_000 }
    )));
    let entry = |number: usize| {
        let entry =
            aws_sdk_kinesis::types::PutRecordsRequestEntry::builder().partition_key(format!("p{number}"));
        entry
            .data(aws_sdk_kinesis::primitives::Blob::new(number.to_string()))
            .build()
            .expect("an entry")
    };
    let put = kinesis
        .put_records()
        .stream_name("s")
        .set_records(Some((0..200).map(entry).collect()))
        .send()
        .await
        .expect("an answer");
    let failed = put
        .records()
        .iter()
        .filter(|record| record.error_code() == Some("InternalFailure"))
        .count();
    assert_eq!(
        Some(i32::try_from(failed).expect("a few")),
        put.failed_record_count()
    );
    assert!((20..120).contains(&failed), "{failed} of 200 failed");
    let iterator = kinesis
        .get_shard_iterator()
        .stream_name("s")
        .shard_id("shardId-000000000000")
        .shard_iterator_type(aws_sdk_kinesis::types::ShardIteratorType::TrimHorizon)
        .send()
        .await
        .expect("an iterator");
    let read = kinesis
        .get_records()
        .set_shard_iterator(iterator.shard_iterator)
        .send()
        .await
        .expect("records");
    assert_eq!(read.records().len(), 200 - failed);
}

/// The document of the newest event of a name.
async fn newest(account: &Account, name: &str) -> serde_json::Value {
    let found = events(&trail(account), by(LookupAttributeKey::EventName, name)).await;
    let text = found
        .first()
        .and_then(Event::cloud_trail_event)
        .expect("an event");
    serde_json::from_str(text).expect("JSON")
}

/// An event says who called with which key, of which role, from where and with what.
/// https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-user-identity.html
#[tokio::test]
async fn an_event_says_who_called_from_where_and_with_what() {
    let Some(aws) = controlled().await else { return };
    let role = format!("arn:aws:iam::{}:role/path/worker", aws.vendor().id);
    let keys = aws.control().service_credentials(&role).expect("a role's ARN");
    let token = Some(keys.session_token.as_str());
    let config = aws
        .vendor()
        .with_keys(&keys.access_key_id, &keys.secret_access_key, token);
    let ec2 = aws_sdk_ec2::Client::new(&config);
    let tag = aws_sdk_ec2::types::Tag::builder().key("k").value("v").build();
    let tags = aws_sdk_ec2::types::TagSpecification::builder()
        .resource_type("vpc".into())
        .tags(tag)
        .build();
    let made = ec2
        .create_vpc()
        .cidr_block("10.0.0.0/16")
        .tag_specifications(tags);
    made.send().await.expect("a VPC");

    let event = newest(aws.vendor(), "CreateVpc").await;

    let identity = &event["userIdentity"];
    assert_eq!(identity["type"], "AssumedRole");
    assert_eq!(identity["accessKeyId"], keys.access_key_id);
    let issuer = &identity["sessionContext"]["sessionIssuer"];
    assert_eq!(issuer["arn"], role);
    assert_eq!(issuer["userName"], "worker");
    let principal = identity["principalId"].as_str().expect("an id");
    let issuer_id = issuer["principalId"].as_str().expect("an id");
    assert!(
        issuer_id.starts_with("AROA") && principal == format!("{issuer_id}:task"),
        "{identity}"
    );
    assert_eq!(event["sourceIPAddress"], "127.0.0.1");
    let agent = event["userAgent"].as_str().expect("a user agent");
    assert!(agent.contains("aws-sdk-rust"), "{agent}");
    let parameters = serde_json::json!({
        "cidrBlock": "10.0.0.0/16",
        "tagSpecification": [{ "resourceType": "vpc", "tag": [{ "key": "k", "value": "v" }] }],
    });
    assert_eq!(event["requestParameters"], parameters);
    let mine = by(LookupAttributeKey::AccessKeyId, &keys.access_key_id);
    assert_eq!(events(&trail(aws.vendor()), mine).await.len(), 1);
}

/// No event shows a password, a plaintext, the user data of an instance or a statement's text.
/// https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/logging-using-cloudtrail.html
#[tokio::test]
async fn an_event_shows_no_secret() {
    let Some(aws) = controlled().await else { return };
    let config = &aws.vendor().config;
    let secret = "correct-horse-battery";
    let database = aws_sdk_rds::Client::new(config)
        .create_db_instance()
        .db_instance_identifier("d")
        .master_user_password(secret);
    drop(database.send().await);
    let blob = aws_sdk_kms::primitives::Blob::new(secret);
    let encrypted = aws_sdk_kms::Client::new(config)
        .encrypt()
        .key_id("none")
        .plaintext(blob);
    drop(encrypted.send().await);
    let run = aws_sdk_ec2::Client::new(config)
        .run_instances()
        .image_id("ami-1")
        .user_data(secret);
    drop(run.min_count(1).max_count(1).send().await);
    let statement = aws_sdk_redshiftdata::Client::new(config)
        .execute_statement()
        .sql(secret);
    drop(statement.send().await);
    for call in aws.control().calls() {
        let parameters = call.parameters.expect("each call had some");
        assert!(!parameters.contains("horse"), "{parameters}");
        assert!(!parameters.contains("Y29ycmVjd"), "nor in base64: {parameters}");
        assert!(parameters.contains("HIDDEN"), "{parameters}");
    }
}

/// AssumeRole is read only in both accounts' events, and names the role and the session.
/// https://docs.aws.amazon.com/IAM/latest/UserGuide/cloudtrail-integration.html
#[tokio::test]
async fn assuming_a_role_only_reads() {
    let Some(aws) = controlled().await else { return };
    let role = format!("arn:aws:iam::{}:role/none", aws.customer().id);
    let sts = aws_sdk_sts::Client::new(&aws.vendor().config);
    let refused = sts.assume_role().role_arn(&role).role_session_name("op").send();
    code(refused.await);
    let event = newest(aws.customer(), "AssumeRole").await;
    assert_eq!(event["readOnly"], true);
    assert_eq!(event["requestParameters"]["roleArn"], role);
    assert_eq!(event["requestParameters"]["roleSessionName"], "op");
    assert_eq!(event["resources"][0]["type"], "AWS::IAM::Role");
    let found = events(&trail(aws.customer()), by(LookupAttributeKey::ReadOnly, "true")).await;
    let named = found.iter().flat_map(Event::resources);
    assert!(
        named
            .into_iter()
            .any(|resource| resource.resource_name() == Some(&role))
    );
}
