//! The loads, in order, on one server.

use std::time::Instant;

use anyhow::{Context as _, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use benches::report::Side;
use benches::signed::{Call, Signer};
use bytes::Bytes;
use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};
use reqwest::Request;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::server::Server;

const ACCOUNT: &str = "111111111111";
const CONCURRENCY: usize = 8;
const SHARDS: usize = 8;
/// Kinesis takes no more in one call.
const BATCH: usize = 500;
const RECORD_BYTES: usize = 200;
const OBJECT_MIB: usize = 64;
/// VPCs an account may have in a region, by default, is five; security groups in a VPC are plenty.
const RESOURCES_PER_ACCOUNT: usize = 40;

/// How much of each load: a slow server gets less, figures are rates.
pub(crate) struct Sizes {
    simple_calls: usize,
    batches: usize,
    objects: usize,
    accounts: usize,
}

impl Sizes {
    pub(crate) fn ours() -> Self {
        Self {
            simple_calls: 100_000,
            batches: 2_000,
            objects: 8,
            accounts: 10_000,
        }
    }

    pub(crate) fn moto() -> Self {
        Self {
            simple_calls: 2_000,
            batches: 60,
            objects: 2,
            accounts: 250,
        }
    }
}

/// All loads on one server; true when what was put in came out.
pub(crate) async fn measure(server: Server, sizes: &Sizes) -> anyhow::Result<(Side, bool)> {
    let signer = Signer::new(&server.endpoint)?;
    let mut bench = Bench {
        signer,
        server,
        side: Side::default(),
    };
    let start_ms = bench.server.start_ms;
    bench.note("start_ms", start_ms);
    bench.note_rss("idle_rss_mib")?;
    let simple = bench.simple_calls(sizes.simple_calls).await?;
    bench.side.per_cpu_second = simple;
    let exact = bench.records(sizes.batches).await? & bench.objects(sizes.objects).await?;
    bench.resources(sizes.accounts).await?;
    bench.side.peak_rss_mib = bench.server.process.peak_rss_kib()? / 1_024;
    bench.server.process.end().await?;
    Ok((bench.side, exact))
}

struct Bench {
    signer: Signer,
    server: Server,
    side: Side,
}

impl Bench {
    fn note(&mut self, name: &str, figure: f64) {
        self.side.figures.insert(name.to_owned(), figure);
    }

    fn note_rss(&mut self, name: &str) -> anyhow::Result<()> {
        let kib = u32::try_from(self.server.process.rss_kib()?)?;
        self.note(name, f64::from(kib) / 1_024.0);
        Ok(())
    }

    /// Runs `work` and notes `units` of it in a CPU-second and in a second.
    async fn rate(
        &mut self,
        (unit, units): (&str, usize),
        work: impl AsyncFnOnce(&Signer) -> anyhow::Result<()>,
    ) -> anyhow::Result<f64> {
        let (before, begun) = (self.server.process.cpu()?, Instant::now());
        work(&self.signer).await?;
        let wall = begun.elapsed().as_secs_f64();
        let cpu = (self.server.process.cpu()? - before).as_secs_f64().max(0.01);
        let units = f64::from(u32::try_from(units)?);
        self.note(&format!("{unit}_per_cpu_second"), units / cpu);
        self.note(&format!("{unit}_per_second"), units / wall);
        Ok(units / cpu)
    }

    /// Three of four read an identity, one describes VPCs.
    async fn simple_calls(&mut self, count: usize) -> anyhow::Result<f64> {
        let identity = self.signer.sign(&form(
            "sts",
            ACCOUNT,
            "Action=GetCallerIdentity&Version=2011-06-15",
        ))?;
        let vpcs = self
            .signer
            .sign(&form("ec2", ACCOUNT, "Action=DescribeVpcs&Version=2016-11-15"))?;
        self.rate(("simple_calls", count), async |signer| {
            let requests = (0..count).map(|number| if number % 4 == 3 { &vpcs } else { &identity });
            send_all(signer, requests).await
        })
        .await
    }

    /// Puts batches, reads them back, and compares.
    async fn records(&mut self, batches: usize) -> anyhow::Result<bool> {
        let create = json!({ "StreamName": "bench", "ShardCount": SHARDS });
        kinesis(&self.signer, "CreateStream", &create).await?;
        let distinct: Vec<(Request, u64)> = (0..batches.min(100))
            .map(|number| batch(&self.signer, number))
            .collect::<anyhow::Result<_>>()?;
        let chosen = || (0..batches).map(|number| &distinct[number % distinct.len()]);
        let sent: u64 = chosen().map(|(_, sum)| sum).sum();
        self.rate(("put_records", batches * BATCH), async |signer| {
            send_all(signer, chosen().map(|(request, _)| request)).await
        })
        .await?;
        let mut read = (0, 0);
        self.rate(("get_records", batches * BATCH), async |signer| {
            read = read_back(signer).await?;
            Ok(())
        })
        .await?;
        let exact = read == (batches * BATCH, sent);
        if !exact {
            eprintln!("bench: {} records of {} came back", read.0, batches * BATCH);
        }
        Ok(exact)
    }

    /// Puts and gets objects of 64 MiB, one at a time.
    async fn objects(&mut self, count: usize) -> anyhow::Result<bool> {
        let body = Bytes::from(noise(OBJECT_MIB << 20));
        let expected = Sha256::digest(&body);
        self.signer.call(&object("PUT", "/bench", Bytes::new())).await?;
        let put = self.signer.sign(&object("PUT", "/bench/object", body))?;
        let get = self.signer.sign(&object("GET", "/bench/object", Bytes::new()))?;
        let mib = count * OBJECT_MIB;
        self.rate(("object_in_mib", mib), async |signer| {
            for _ in 0..count {
                signer.send(&put).await?.bytes().await?;
            }
            Ok(())
        })
        .await?;
        let mut last = Bytes::new();
        self.rate(("object_out_mib", mib), async |signer| {
            for _ in 0..count {
                last = signer.send(&get).await?.bytes().await?;
            }
            Ok(())
        })
        .await?;
        Ok(Sha256::digest(&last) == expected)
    }

    /// Fills accounts with resources and looks what they weigh.
    async fn resources(&mut self, accounts: usize) -> anyhow::Result<()> {
        let before = self.server.process.rss_kib()?;
        let signer = &self.signer;
        let numbers = stream::iter(0..accounts).map(Ok::<_, anyhow::Error>);
        numbers
            .try_for_each_concurrent(CONCURRENCY, |number| async move { fill(signer, number).await })
            .await?;
        let made = u32::try_from(accounts * RESOURCES_PER_ACCOUNT)?;
        let kib = u32::try_from(self.server.process.rss_kib()?.saturating_sub(before))?;
        self.note(
            "rss_bytes_per_resource",
            f64::from(kib) * 1_024.0 / f64::from(made),
        );
        self.note(
            "rss_mib_of_400000_resources",
            f64::from(kib) / f64::from(made) * 400_000.0 / 1_024.0,
        );
        Ok(())
    }
}

async fn send_all<'a>(signer: &Signer, requests: impl Iterator<Item = &'a Request>) -> anyhow::Result<()> {
    let sending = stream::iter(requests.map(Ok::<_, anyhow::Error>));
    sending
        .try_for_each_concurrent(CONCURRENCY, |request| async move {
            signer.send(request).await?.bytes().await?;
            Ok(())
        })
        .await
}

fn form<'a>(service: &'a str, account: &'a str, body: &str) -> Call<'a> {
    Call {
        account,
        service,
        method: "POST",
        path: "/",
        headers: vec![("content-type", "application/x-www-form-urlencoded; charset=utf-8")],
        body: Bytes::copy_from_slice(body.as_bytes()),
    }
}

fn object<'a>(method: &'a str, path: &'a str, body: Bytes) -> Call<'a> {
    Call {
        account: ACCOUNT,
        service: "s3",
        method,
        path,
        headers: Vec::new(),
        body,
    }
}

async fn kinesis(signer: &Signer, operation: &str, body: &Value) -> anyhow::Result<Value> {
    let target = format!("Kinesis_20131202.{operation}");
    let answer = signer.call(&json_call(&target, body)).await?;
    Ok(if answer.is_empty() {
        Value::Null
    } else {
        serde_json::from_slice(&answer)?
    })
}

fn json_call<'a>(target: &'a str, body: &Value) -> Call<'a> {
    Call {
        account: ACCOUNT,
        service: "kinesis",
        method: "POST",
        path: "/",
        headers: vec![
            ("content-type", "application/x-amz-json-1.1"),
            ("x-amz-target", target),
        ],
        body: body.to_string().into(),
    }
}

/// A signed PutRecords of numbered records, and the sum of its numbers.
fn batch(signer: &Signer, number: usize) -> anyhow::Result<(Request, u64)> {
    let mut sum = 0;
    let mut records = Vec::with_capacity(BATCH);
    for index in 0..BATCH {
        let value = u64::try_from(number * BATCH + index)?;
        sum += value;
        let mut data = noise(RECORD_BYTES);
        data[..8].copy_from_slice(&value.to_be_bytes());
        records
            .push(json!({ "Data": BASE64.encode(data), "PartitionKey": format!("tenant-{}", value % 997) }));
    }
    let body = json!({ "StreamName": "bench", "Records": records });
    let request = signer.sign(&json_call("Kinesis_20131202.PutRecords", &body))?;
    Ok((request, sum))
}

/// How many records the stream holds, and the sum of their numbers.
async fn read_back(signer: &Signer) -> anyhow::Result<(usize, u64)> {
    let listed = kinesis(signer, "ListShards", &json!({ "StreamName": "bench" })).await?;
    let shards = listed["Shards"].as_array().context("a list of shards")?.clone();
    let drained = stream::iter(shards)
        .map(|shard| async move { drain(signer, shard["ShardId"].as_str().unwrap_or_default()).await })
        .buffer_unordered(CONCURRENCY)
        .try_collect::<Vec<_>>()
        .await?;
    Ok(drained
        .into_iter()
        .fold((0, 0), |(count, sum), (more, value)| (count + more, sum + value)))
}

async fn drain(signer: &Signer, shard: &str) -> anyhow::Result<(usize, u64)> {
    let wanted = json!({ "StreamName": "bench", "ShardId": shard, "ShardIteratorType": "TRIM_HORIZON" });
    let answer = kinesis(signer, "GetShardIterator", &wanted).await?;
    let mut iterator = answer["ShardIterator"].clone();
    let (mut count, mut sum) = (0, 0);
    loop {
        let answer = kinesis(
            signer,
            "GetRecords",
            &json!({ "ShardIterator": iterator, "Limit": 10_000 }),
        )
        .await?;
        let records = answer["Records"].as_array().context("a list of records")?;
        if records.is_empty() {
            return Ok((count, sum));
        }
        for record in records {
            let data = BASE64.decode(record["Data"].as_str().unwrap_or_default())?;
            ensure!(
                data.len() == RECORD_BYTES,
                "a record came back with {} bytes",
                data.len()
            );
            sum += u64::from_be_bytes(data[..8].try_into()?);
        }
        count += records.len();
        iterator = answer["NextShardIterator"].clone();
    }
}

/// One account's forty resources: its VPC and security groups in it.
async fn fill(signer: &Signer, number: usize) -> anyhow::Result<()> {
    let account = format!("9{number:011}");
    let tag = "TagSpecification.1.Tag.1.Key=tenantry%3Atenant&TagSpecification.1.Tag.1.Value=tnt";
    let body = format!(
        "Action=CreateVpc&Version=2016-11-15&CidrBlock=10.0.0.0%2F16&TagSpecification.1.ResourceType=vpc&{tag}"
    );
    let answer = signer.call(&form("ec2", &account, &body)).await?;
    let answer = std::str::from_utf8(&answer)?;
    let vpc = answer
        .split_once("<vpcId>")
        .and_then(|(_, rest)| rest.split_once('<'));
    let (vpc, _) = vpc.context("a VPC has an id")?;
    for index in 1..RESOURCES_PER_ACCOUNT {
        let body = format!(
            "Action=CreateSecurityGroup&Version=2016-11-15&GroupName=g{index}&GroupDescription=bench&VpcId={vpc}\
             &TagSpecification.1.ResourceType=security-group&{tag}"
        );
        signer.call(&form("ec2", &account, &body)).await?;
    }
    Ok(())
}

/// Bytes that do not compress, the same for each length.
fn noise(length: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let words = std::iter::repeat_with(move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()
    });
    words.flatten().take(length).collect()
}
