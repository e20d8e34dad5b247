//! Clients that hang up before they are answered.

use std::time::Duration;

use conformance::local_aws::{Fault, FaultRule};
use conformance::{Raw, controlled};

#[tokio::test]
async fn a_call_runs_to_its_end_though_its_client_hangs_up() {
    let Some(aws) = controlled().await else { return };
    // The answer is held back, so that the client is gone before it comes.
    let held = Fault::EffectWithoutReply { hang_ms: 60_000 };
    assert!(aws.control().add_fault(FaultRule::on("CreateVpc", held)));
    let raw = Raw::to(&aws, "ec2").expect("an endpoint");
    let call = raw.form("Action=CreateVpc&Version=2016-11-15&CidrBlock=10.0.0.0/16");
    let asked = tokio::time::timeout(Duration::from_millis(500), call.send()).await;
    assert!(asked.is_err(), "the client has gone");

    let calls = aws.control().calls();
    assert_eq!(calls.len(), 1);
    assert_eq!(
        (calls[0].operation.as_str(), calls[0].code.as_str()),
        ("CreateVpc", "OK")
    );
    assert_eq!(aws.control().inventory().len(), 1);
}
