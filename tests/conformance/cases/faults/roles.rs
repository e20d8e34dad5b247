//! Customers who delete the role they gave, or take its trust away, and bring it back.

use aws_config::SdkConfig;
use conformance::local_aws::FaultRule;
use conformance::{Aws, code, controlled};

const ALLOW_ALL: &str =
    r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}"#;

/// A role of the customer that trusts the vendor, and a session of it.
struct Connection {
    aws: Aws,
    name: String,
    arn: String,
    sts: aws_sdk_sts::Client,
}

impl Connection {
    async fn made() -> Option<Self> {
        let aws = controlled().await?;
        let (broker, customer) = (aws.vendor(), aws.customer());
        let keys = aws
            .control()
            .service_credentials(&format!("arn:aws:iam::{}:role/broker", broker.id))
            .expect("a role's ARN");
        let config = broker.with_keys(
            &keys.access_key_id,
            &keys.secret_access_key,
            Some(&keys.session_token),
        );
        let name = aws.name("role");
        let iam = aws_sdk_iam::Client::new(&customer.config);
        let trust = format!(
            r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Action":"sts:AssumeRole",
            "Principal":{{"AWS":"{}"}}}}]}}"#,
            broker.root_arn()
        );
        let made = iam
            .create_role()
            .role_name(&name)
            .assume_role_policy_document(trust)
            .send()
            .await;
        let arn = made.expect("a role").role.expect("a role").arn;
        let put = iam
            .put_role_policy()
            .role_name(&name)
            .policy_name("all")
            .policy_document(ALLOW_ALL);
        put.send().await.expect("a policy");
        let sts = aws_sdk_sts::Client::new(&config);
        Some(Self { aws, name, arn, sts })
    }

    async fn assume(&self) -> Result<SdkConfig, String> {
        let asked = self
            .sts
            .assume_role()
            .role_arn(&self.arn)
            .role_session_name("op")
            .send()
            .await;
        match asked {
            Ok(answer) => {
                let keys = answer.credentials.expect("keys");
                let token = Some(keys.session_token.as_str());
                let customer = self.aws.customer();
                Ok(customer.with_keys(&keys.access_key_id, &keys.secret_access_key, token))
            }
            refused => Err(code(refused)),
        }
    }

    fn account(&self) -> &str {
        &self.aws.customer().id
    }
}

async fn look(session: &SdkConfig) -> Result<(), String> {
    let looked = aws_sdk_ec2::Client::new(session).describe_vpcs().send().await;
    match looked {
        Ok(_) => Ok(()),
        refused => Err(code(refused)),
    }
}

/// A role that is gone sounds like a role that refuses, and what its sessions may do is nothing: a rule says the same
/// as a deletion does.
/// https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_manage_delete.html
#[tokio::test]
async fn a_role_that_is_gone_is_not_assumed_and_its_sessions_may_do_nothing() {
    let Some(connection) = Connection::made().await else {
        return;
    };
    let session = connection.assume().await.expect("a session");
    look(&session).await.expect("it may look");
    let gone = FaultRule::role_deleted(connection.account(), &connection.name);
    assert!(connection.aws.control().add_fault(gone.clone()));

    let by_rule = (connection.assume().await.err(), look(&session).await.err());

    assert!(connection.aws.control().remove_fault(&gone));
    connection.assume().await.expect("it is back");
    look(&session).await.expect("so is its session");
    let iam = aws_sdk_iam::Client::new(&connection.aws.customer().config);
    let name = &connection.name;
    iam.delete_role_policy()
        .role_name(name)
        .policy_name("all")
        .send()
        .await
        .expect("deleted");
    iam.delete_role().role_name(name).send().await.expect("deleted");
    let by_deletion = (connection.assume().await.err(), look(&session).await.err());
    assert_eq!(by_rule, by_deletion);
    let expected = ("AccessDenied".to_owned(), "UnauthorizedOperation".to_owned());
    assert_eq!(by_rule, (Some(expected.0), Some(expected.1)));
}

/// A trust policy is asked when a role is assumed: sessions from before go on until they end.
/// https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_use_revoke-sessions.html
#[tokio::test]
async fn a_trust_that_is_taken_away_ends_no_session() {
    let Some(connection) = Connection::made().await else {
        return;
    };
    let session = connection.assume().await.expect("a session");
    let changed = FaultRule::trust_changed(connection.account(), "*role*");
    assert!(connection.aws.control().add_fault(changed.clone()));

    assert_eq!(connection.assume().await.err().as_deref(), Some("AccessDenied"));
    look(&session).await.expect("the session goes on");

    assert!(connection.aws.control().remove_fault(&changed));
    connection.assume().await.expect("trusted again");
}

/// Roles of other accounts and of other names are what they were.
/// https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_manage_delete.html
#[tokio::test]
async fn only_the_role_that_is_meant_is_gone() {
    let Some(connection) = Connection::made().await else {
        return;
    };
    let control = connection.aws.control();
    let stranger = connection.aws.stranger().id.clone();
    assert!(control.add_fault(FaultRule::role_deleted(&stranger, "*")));
    assert!(control.add_fault(FaultRule::role_deleted(connection.account(), "another-*")));
    connection.assume().await.expect("it is there");
    let of_a_call = FaultRule::role_deleted(&stranger, "*").nth(2);
    assert!(
        !control.add_fault(of_a_call),
        "a rule about roles is about no call"
    );
}
