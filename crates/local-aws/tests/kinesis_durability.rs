//! What Kinesis has acknowledged survives what happens to its process and its disk.
//!
//! The endpoint runs in a process of its own, which is this test's binary once more; it is killed, and its files are
//! bounded, as an operator's would be.

mod data_support;

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use aws_config::SdkConfig;
use aws_sdk_kinesis::Client;
use aws_sdk_kinesis::error::ProvideErrorMetadata;
use aws_sdk_kinesis::primitives::Blob;
use aws_sdk_kinesis::types::{PutRecordsRequestEntry, ShardIteratorType};
use data_support::{OWN, config_at, start_over};

const DIRECTORY: &str = "LOCAL_AWS_TEST_DIRECTORY";
const SHARD: &str = "shardId-000000000000";

/// Not a test by itself: what the other tests run as a process. It serves until it is killed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_endpoint_for_the_other_tests() {
    let Some(directory) = std::env::var_os(DIRECTORY) else {
        return;
    };
    let endpoint = start_over(Path::new(&directory)).await;
    println!("\nserving {}", endpoint.endpoint());
    std::future::pending::<()>().await;
}

/// An endpoint in another process.
struct Process {
    child: Child,
    client: Client,
}

impl Process {
    /// `limit` is a shell's `ulimit -f`, in units of 1 KiB; a file that would pass it cannot be written.
    fn start(directory: &Path, limit: Option<u32>) -> Self {
        let binary = std::env::current_exe().expect("this test's binary");
        let bound = limit.map_or(String::new(), |limit| {
            format!("trap '' XFSZ; ulimit -f {limit}; ")
        });
        let script = format!(
            "{bound}exec \"$0\" --exact an_endpoint_for_the_other_tests --nocapture --test-threads=1"
        );
        let mut child = Command::new("bash")
            .args(["-c", &script])
            .arg(binary)
            .env(DIRECTORY, directory)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("a process");
        let lines = BufReader::new(child.stdout.take().expect("piped")).lines();
        let mut lines = lines.map_while(Result::ok);
        let address = lines.find_map(|line| line.strip_prefix("serving ").map(str::to_owned));
        let config: SdkConfig = config_at(&address.expect("the endpoint serves"), OWN);
        Self {
            child,
            client: Client::new(&config),
        }
    }

    fn kill(mut self) {
        self.child.kill().expect("killed");
        self.child.wait().expect("gone");
    }
}

async fn make(client: &Client) {
    let create = client.create_stream().stream_name("usage").shard_count(1);
    create.send().await.expect("made");
}

/// Puts a batch of numbered records; gives the numbers that were acknowledged, or the code of the refusal.
async fn put(client: &Client, numbers: std::ops::Range<u32>, bytes: usize) -> Result<Vec<u32>, String> {
    let entries = numbers.clone().map(|number| {
        let data = format!("{number:0bytes$}");
        let entry = PutRecordsRequestEntry::builder().partition_key("k");
        entry.data(Blob::new(data)).build().expect("complete")
    });
    let put = client.put_records().stream_name("usage");
    match put.set_records(Some(entries.collect())).send().await {
        Ok(put) => Ok(numbers
            .zip(put.records)
            .filter(|(_, record)| record.sequence_number.is_some())
            .map(|(number, _)| number)
            .collect()),
        Err(error) => Err(error.code().unwrap_or("no answer").to_owned()),
    }
}

async fn all(client: &Client) -> Vec<u32> {
    let asked = client.get_shard_iterator().stream_name("usage").shard_id(SHARD);
    let asked = asked
        .shard_iterator_type(ShardIteratorType::TrimHorizon)
        .send()
        .await;
    let mut next = asked.expect("an iterator").shard_iterator;
    let mut found = Vec::new();
    while let Some(at) = next {
        let page = client
            .get_records()
            .shard_iterator(at)
            .send()
            .await
            .expect("records");
        let numbers = page.records.iter().map(|record| {
            let text = String::from_utf8_lossy(record.data.as_ref()).into_owned();
            text.trim_start_matches('0').parse().unwrap_or(0)
        });
        found.extend(numbers);
        next = page.next_shard_iterator.filter(|_| !page.records.is_empty());
    }
    found
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_acknowledged_record_survives_a_kill_in_the_middle_of_puts() {
    let directory = tempfile::tempdir().expect("a directory");
    let process = Process::start(directory.path(), None);
    make(&process.client).await;
    let client = process.client.clone();
    let producer = tokio::spawn(async move {
        let mut acknowledged = Vec::new();
        for batch in 0_u32.. {
            match put(&client, batch * 50..batch * 50 + 50, 200).await {
                Ok(numbers) => acknowledged.extend(numbers),
                Err(_) => break,
            }
        }
        acknowledged
    });
    let client = process.client.clone();
    while all(&client).await.len() < 2_000 {}
    process.kill();
    let acknowledged = producer.await.expect("the producer ends with the endpoint");
    assert!(acknowledged.len() >= 1_950, "{}", acknowledged.len());

    let process = Process::start(directory.path(), None);
    let found = all(&process.client).await;
    let missing: Vec<_> = acknowledged
        .iter()
        .filter(|number| !found.contains(number))
        .collect();
    assert!(missing.is_empty(), "acknowledged and lost: {missing:?}");
    assert!(
        found.windows(2).all(|pair| pair[0] < pair[1]),
        "in order, none twice"
    );
    put(&process.client, 1_000_000..1_000_001, 10)
        .await
        .expect("it goes on");
    process.kill();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_disk_acknowledges_nothing_and_keeps_what_was_acknowledged() {
    let directory = tempfile::tempdir().expect("a directory");
    let process = Process::start(directory.path(), Some(256));
    make(&process.client).await;
    let (mut acknowledged, mut batch) = (Vec::new(), 0_u32);
    let refusal = loop {
        match put(&process.client, batch * 50..batch * 50 + 50, 1_000).await {
            Ok(numbers) => acknowledged.extend(numbers),
            Err(code) => break code,
        }
        batch += 1;
        assert!(batch < 100, "the disk never filled");
    };
    assert_eq!(refusal, "InternalFailure");
    assert!(acknowledged.len() >= 100);
    assert_eq!(all(&process.client).await, acknowledged);
    process.kill();

    let process = Process::start(directory.path(), None);
    assert_eq!(all(&process.client).await, acknowledged);
    let later = batch * 50 + 50;
    put(&process.client, later..later + 1, 10)
        .await
        .expect("there is room again");
    assert_eq!(all(&process.client).await.last(), Some(&later));
    process.kill();
}
