//! Sessions of many tenants side by side: none is ever taken for another's.
//!
//! Fifty tenants, each with an account and a role that may only make what carries its own tag. Tasks ask a few
//! brokers for sessions in random order; a session that were another tenant's would be refused by its own role.

use std::collections::HashSet;
use std::sync::{Arc, Mutex};

use aws_access::ec2::trial::TrialCall;
use aws_access::iam::NewRole;
use aws_access::{Aws, AwsCredentials, AwsSettings, Broker, SessionIdentity, StepClass, TenantRole};
use local_aws::{LocalAws, Options};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use tenant_model::proof::TrialOutcome;
use tenant_model::{ExternalId, TenantId};

const TENANTS: usize = 50;
const TASKS: u64 = 50;
const TURNS: usize = 2_000;
/// One turn in so many also makes a signed call; the others are answered by the cache alone.
const CALL_EVERY: u32 = 20;
const BROKERS: usize = 4;
const BROKER_ROLE: &str = "arn:aws:iam::111111111111:role/tenantry-broker";
const REGIONS: [&str; 2] = ["eu-central-1", "us-east-1"];
const CLASSES: [StepClass; 3] = [StepClass::Observe, StepClass::Network, StepClass::Compute];

fn settings(endpoint: &LocalAws, account: &str, credentials: AwsCredentials) -> AwsSettings {
    AwsSettings {
        region: REGIONS[0].to_owned(),
        endpoint_url: Some(endpoint.endpoint()),
        credentials,
        isv_account: account.to_owned(),
        broker_role_arn: BROKER_ROLE.to_owned(),
        assume_broker_role: false,
        call_budget: None,
    }
}

async fn as_broker(endpoint: &LocalAws) -> Aws {
    let keys = endpoint
        .control()
        .service_credentials(BROKER_ROLE)
        .expect("a role's ARN");
    let credentials = AwsCredentials::Static {
        access_key_id: keys.access_key_id,
        secret_access_key: keys.secret_access_key.into(),
        session_token: Some(keys.session_token.into()),
    };
    Aws::connect(settings(endpoint, "111111111111", credentials)).await
}

/// A role that may make networks with the tag of its own tenant, and nothing else.
async fn role(endpoint: &LocalAws, number: usize) -> TenantRole {
    let tenant_id = TenantId::from_uuid(uuid::Uuid::from_u128(number as u128 + 1));
    let account = format!("{}", 500_000_000_000_u64 + number as u64);
    let external_id = ExternalId::from_random([u8::try_from(number).expect("fifty"); 20]);
    let trust = format!(
        r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Principal":{{"AWS":"111111111111"}},
            "Action":["sts:AssumeRole","sts:TagSession","sts:SetSourceIdentity"],
            "Condition":{{"StringEquals":{{"sts:ExternalId":"{}"}}}}}},
            {{"Effect":"Allow","Principal":{{"AWS":"111111111111"}},"Action":["sts:TagSession","sts:SetSourceIdentity"]}}]}}"#,
        external_id.expose()
    );
    let permissions = format!(
        r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Action":["ec2:CreateVpc","ec2:CreateTags"],
            "Resource":"*","Condition":{{"StringEquals":{{"aws:RequestTag/tenantry:tenant":"{tenant_id}"}}}}}},
            {{"Effect":"Allow","Action":"ec2:Describe*","Resource":"*"}}]}}"#
    );
    let credentials = AwsCredentials::Static {
        access_key_id: account.clone(),
        secret_access_key: "test".to_owned().into(),
        session_token: None,
    };
    let root = Aws::connect(settings(endpoint, &account, credentials)).await;
    let new = NewRole {
        path: "/tenantry/",
        name: &format!("tenantry-{number}"),
        trust_policy: &trust,
        permissions: &permissions,
    };
    TenantRole {
        tenant_id,
        role_arn: root.ensure_role(&new).await.expect("a role"),
        account,
        external_id: external_id.expose().into(),
    }
}

/// Keys that were asked for, over all brokers.
type Asked = Arc<Mutex<HashSet<(usize, usize, usize, usize)>>>;

struct Turns {
    brokers: Arc<Vec<Broker>>,
    roles: Arc<Vec<TenantRole>>,
    asked: Asked,
    random: StdRng,
}

impl Turns {
    /// Returns how many signed calls were made.
    async fn play(mut self) -> u32 {
        let mut calls = 0;
        for _ in 0..TURNS {
            calls += self.turn().await;
            if self.random.random_range(0..3) == 0 {
                tokio::task::yield_now().await;
            }
        }
        calls
    }

    async fn turn(&mut self) -> u32 {
        let mut pick = |below: usize| self.random.random_range(0..below);
        let key = (
            pick(BROKERS),
            pick(TENANTS),
            pick(CLASSES.len()),
            pick(REGIONS.len()),
        );
        let (broker, tenant, class, region) = key;
        self.asked.lock().expect("no panic").insert(key);
        let role = &self.roles[tenant];
        let identity = SessionIdentity {
            operation: format!("op-{tenant}"),
            source_identity: "reconciler".to_owned(),
        };
        let session = self.brokers[broker].assume(role, CLASSES[class], REGIONS[region], &identity);
        let session = session.await.expect("a session");
        assert_eq!(session.tenant_id(), role.tenant_id);
        assert_eq!(
            (session.account(), session.region()),
            (role.account.as_str(), REGIONS[region])
        );
        if CLASSES[class] != StepClass::Network || self.random.random_range(0..CALL_EVERY) > 3 {
            return 0;
        }
        let own = Some(role.tenant_id.to_string());
        let outcome = session.ec2().try_out(TrialCall::CreateVpc, own.as_deref()).await;
        assert_eq!(
            outcome,
            TrialOutcome::Allowed,
            "tenant {tenant} got another's session"
        );
        1
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_thousand_interleavings_of_fifty_tenants_mix_nobody_up() {
    let endpoint = LocalAws::start(Options::default()).await.expect("an endpoint");
    let aws = as_broker(&endpoint).await;
    let mut roles = Vec::new();
    for number in 0..TENANTS {
        roles.push(role(&endpoint, number).await);
    }
    let roles = Arc::new(roles);
    let brokers = Arc::new((0..BROKERS).map(|_| aws.broker()).collect::<Vec<_>>());
    let asked = Asked::default();
    endpoint.control().clear_calls();
    let tasks: Vec<_> = (0..TASKS)
        .map(|seed| {
            let turns = Turns {
                brokers: Arc::clone(&brokers),
                roles: Arc::clone(&roles),
                asked: Arc::clone(&asked),
                random: StdRng::seed_from_u64(seed),
            };
            tokio::spawn(turns.play())
        })
        .collect();
    let mut calls = 0;
    for task in tasks {
        calls += task.await.expect("no mix-up");
    }
    let turns = TASKS * u64::try_from(TURNS).expect("small");
    assert_eq!(turns, 100_000);
    assert!(calls > 1_000, "only {calls} signed calls");
    judge(&endpoint, asked.lock().expect("no panic").len(), calls);
}

/// The endpoint's own log: one AssumeRole for each key that was asked for, and every call by the tenant's own role.
fn judge(endpoint: &LocalAws, keys: usize, calls: u32) {
    let log = endpoint.control().calls();
    let assumed = log.iter().filter(|call| call.operation == "AssumeRole").count();
    assert_eq!(assumed, keys, "more than one refresh in flight for a key");
    let created: Vec<_> = log.iter().filter(|call| call.operation == "CreateVpc").collect();
    assert_eq!(created.len(), usize::try_from(calls).expect("small"));
    for call in created {
        let number: u64 = call.account.parse::<u64>().expect("digits") - 500_000_000_000;
        let session = format!("assumed-role/tenantry-{number}/op-{number}");
        assert!(
            call.principal.ends_with(&session),
            "{} in {}",
            call.principal,
            call.account
        );
    }
}
