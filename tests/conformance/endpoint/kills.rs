//! Kills without warning: what was acknowledged is there again, of every service.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use conformance::local_aws::{LocalAws, StartError};
use conformance::{Aws, Raw};

use crate::over;

const DIRECTORY: &str = "ENDPOINT_TEST_DIRECTORY";

/// Not a test by itself: what the others run as a process. It serves until it is killed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_endpoint_for_the_other_tests() {
    let Some(directory) = std::env::var_os(DIRECTORY) else {
        return;
    };
    let started = LocalAws::start(over(Path::new(&directory))).await;
    let endpoint = started.expect("it starts");
    println!("\nserving {}", endpoint.endpoint());
    std::future::pending::<()>().await;
}

/// An endpoint in another process.
struct Process {
    child: Child,
    aws: Aws,
}

impl Process {
    fn start(directory: &Path) -> Self {
        let binary = std::env::current_exe().expect("this test's binary");
        let mut child = Command::new(binary)
            .args(["--exact", "kills::an_endpoint_for_the_other_tests"])
            .args(["--nocapture", "--test-threads=1"])
            .env(DIRECTORY, directory)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("a process");
        let lines = BufReader::new(child.stdout.take().expect("piped")).lines();
        let mut lines = lines.map_while(Result::ok);
        let address = lines.find_map(|line| line.strip_prefix("serving ").map(str::to_owned));
        let aws = Aws::reached_at(&address.expect("the endpoint serves"));
        Self { child, aws }
    }

    fn kill(mut self) {
        self.child.kill().expect("killed");
        self.child.wait().expect("gone");
    }
}

/// Makes users until the endpoint is killed; gives the names acknowledged.
async fn make_users(aws: &Aws) -> Vec<String> {
    let iam = aws_sdk_iam::Client::new(&aws.vendor().config);
    let mut acknowledged = Vec::new();
    for number in 0..10_000 {
        let name = format!("user-{number}");
        if iam.create_user().user_name(&name).send().await.is_err() {
            break;
        }
        acknowledged.push(name);
    }
    acknowledged
}

async fn make_groups(aws: &Aws, region: &str) -> Vec<String> {
    let groups = aws_sdk_elasticloadbalancingv2::Client::new(&aws.vendor().in_region(region));
    let mut acknowledged = Vec::new();
    for number in 0..10_000 {
        let name = format!("group-{number}");
        let kind = aws_sdk_elasticloadbalancingv2::types::TargetTypeEnum::Lambda;
        let made = groups
            .create_target_group()
            .name(&name)
            .target_type(kind)
            .send()
            .await;
        match made {
            Ok(_) => acknowledged.push(name),
            Err(_) => break,
        }
    }
    acknowledged
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_acknowledged_survives_a_kill_in_the_middle_of_calls() {
    let directory = tempfile::tempdir().expect("a directory");
    let process = Process::start(directory.path());
    let (one, two) = (Aws::reached_at(at(&process)), Aws::reached_at(at(&process)));
    let users = tokio::spawn(async move { make_users(&one).await });
    let groups = tokio::spawn(async move { make_groups(&two, "us-east-1").await });
    while inventory(&process).await < 60 {}
    process.kill();
    let (users, groups) = (users.await.expect("ended"), groups.await.expect("ended"));
    assert!(
        users.len() + groups.len() >= 59,
        "{} and {}",
        users.len(),
        groups.len()
    );

    let process = Process::start(directory.path());
    let text = surface(&process, "inventory").await;
    for name in users.iter().map(|name| format!("user/{name}\"")) {
        assert!(text.contains(&name), "{name} was acknowledged and is lost");
    }
    for name in groups.iter().map(|name| format!("targetgroup/{name}/")) {
        assert!(text.contains(&name), "{name} was acknowledged and is lost");
    }
    process.kill();
}

fn at(process: &Process) -> &str {
    process.aws.endpoint().expect("an endpoint")
}

async fn surface(process: &Process, path: &str) -> String {
    let client = reqwest::Client::builder().no_proxy().build().expect("a client");
    let answer = client.get(format!("{}/_local/{path}", at(process))).send().await;
    answer.expect("an answer").text().await.expect("a body")
}

async fn inventory(process: &Process) -> usize {
    surface(process, "inventory")
        .await
        .matches("\"created_by\"")
        .count()
}

/// The bytes of the state file and the journal.
fn bytes(directory: &Path) -> u64 {
    let entries = std::fs::read_dir(directory).expect("a directory");
    let files = entries.map(|entry| entry.expect("an entry").metadata().expect("its facts"));
    files
        .filter(std::fs::Metadata::is_file)
        .map(|facts| facts.len())
        .sum()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn calls_that_read_write_nothing() {
    let directory = tempfile::tempdir().expect("a directory");
    let process = Process::start(directory.path());
    let ec2 = aws_sdk_ec2::Client::new(&process.aws.vendor().config);
    ec2.create_vpc()
        .cidr_block("10.0.0.0/16")
        .send()
        .await
        .expect("a VPC");
    let before = bytes(directory.path());
    for _ in 0..50 {
        ec2.describe_vpcs().send().await.expect("VPCs");
        let who = aws_sdk_sts::Client::new(&process.aws.customer().config);
        who.get_caller_identity().send().await.expect("an identity");
    }
    assert_eq!(bytes(directory.path()), before);
    ec2.create_vpc()
        .cidr_block("10.1.0.0/16")
        .send()
        .await
        .expect("a VPC");
    assert!(bytes(directory.path()) > before);
    process.kill();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_process_is_refused_the_directory_of_the_first() {
    let directory = tempfile::tempdir().expect("a directory");
    let process = Process::start(directory.path());

    let refused = LocalAws::start(over(directory.path())).await;

    let error = refused.err().expect("it is refused");
    assert!(
        matches!(&error, StartError::InUse(path) if path == directory.path()),
        "{error:?}"
    );
    let path = directory.path().display().to_string();
    assert!(error.to_string().contains(&path), "{error}");
    let who = Raw::to(&process.aws, "sts").expect("an endpoint");
    let who = who
        .form("Action=GetCallerIdentity&Version=2011-06-15")
        .send()
        .await;
    assert_eq!(who.status, 200, "the first goes on");
    process.kill();
    let endpoint = LocalAws::start(over(directory.path()))
        .await
        .expect("it is free again");
    endpoint.stop().await.expect("stopped");
}

#[tokio::test]
async fn a_damaged_state_file_is_named() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("state.json");
    std::fs::write(&path, "{").expect("a file");

    let error = LocalAws::start(over(directory.path()))
        .await
        .err()
        .expect("refused");

    assert!(
        matches!(&error, StartError::State { path: named, .. } if *named == path),
        "{error:?}"
    );
    assert!(error.to_string().contains(&path.display().to_string()), "{error}");
}
