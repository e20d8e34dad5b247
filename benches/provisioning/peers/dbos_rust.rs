//! The peer's load: lists of ten steps, each step checkpointed by dbos, `concurrency` lists at a time.

use std::time::{Duration, Instant};

use dbos::{Config, DBOS, step};

async fn ten_steps(number: u64) -> dbos::Result<u64> {
    for index in 0..10_u64 {
        let value = number * 10 + index;
        let _made: String = step("step", move || async move { dbos::Result::Ok(format!("id-{value}")) }).await?;
    }
    Ok(number)
}

#[tokio::main]
async fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let seconds: u64 = arguments[2].parse().expect("seconds");
    let concurrency: u32 = arguments[3].parse().expect("a number");
    let dbos = DBOS::new(Config {
        app_version: Some("bench".to_owned()),
        max_connections: concurrency + 8,
        ..Config::new("bench", &arguments[1])
    });
    let workflow = dbos.register_workflow("ten_steps", ten_steps).expect("it registers");
    dbos.launch().await.expect("it launches");
    // Whatever is made at the first use is not measured.
    workflow.run(0).await.expect("a list");
    let before = cpu_ticks();
    let begun = Instant::now();
    let deadline = begun + Duration::from_secs(seconds);
    let mut lanes = tokio::task::JoinSet::new();
    for lane in 0..u64::from(concurrency) {
        let workflow = workflow.clone();
        lanes.spawn(async move {
            let mut done = 0_u64;
            while Instant::now() < deadline {
                workflow.run(lane).await.expect("a list");
                done += 1;
            }
            done
        });
    }
    let mut lists = 0;
    while let Some(done) = lanes.join_next().await {
        lists += done.expect("a lane");
    }
    let took = begun.elapsed().as_secs_f64();
    let cpu = (cpu_ticks() - before) as f64 / 100.0;
    println!("{{\"lists\":{lists},\"seconds\":{took},\"cpu_seconds\":{cpu},\"peak_rss_mib\":{}}}", peak_mib());
    std::process::exit(0);
}

fn cpu_ticks() -> u64 {
    let stat = std::fs::read_to_string("/proc/self/stat").expect("Linux");
    let fields: Vec<&str> = stat.rsplit_once(')').expect("a name").1.split_whitespace().collect();
    fields[11].parse::<u64>().expect("ticks") + fields[12].parse::<u64>().expect("ticks")
}

fn peak_mib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("Linux");
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("a peak");
    line.split_whitespace().next().expect("a number").parse::<u64>().expect("a number") / 1_024
}
