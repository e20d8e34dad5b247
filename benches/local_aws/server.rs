//! The processes under test.

use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use benches::peers;
use benches::process::Process;
use local_aws::{LocalAws, Options};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::net::TcpListener;
use tokio::process::Command;

/// The argument that makes this executable the server under test.
pub(crate) const SERVE: &str = "serve-in-memory";
const MOTO: &str = "5.2.5";
const START_TIME_MAX: Duration = Duration::from_secs(60);

/// A server that answers.
pub(crate) struct Server {
    pub(crate) name: String,
    pub(crate) endpoint: String,
    pub(crate) process: Process,
    pub(crate) start_ms: f64,
}

impl Server {
    /// The local AWS, in memory.
    pub(crate) async fn ours() -> anyhow::Result<Self> {
        let mut child = Command::new(std::env::current_exe()?)
            .arg(SERVE)
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()?;
        let output = child.stdout.take().context("the output is piped")?;
        let mut lines = BufReader::new(output).lines();
        let line = lines.next_line().await?.context("the server says where it is")?;
        let (endpoint, start_us) = line.split_once(' ').context("the server says when it started")?;
        let start_us: u32 = start_us.parse()?;
        Ok(Self {
            name: "local-aws".to_owned(),
            endpoint: endpoint.to_owned(),
            process: Process::of(child)?,
            start_ms: f64::from(start_us) / 1_000.0,
        })
    }

    /// moto's server, when it can be installed.
    pub(crate) async fn moto() -> anyhow::Result<Option<Self>> {
        let wanted = format!("moto[server,ec2,s3,kinesis,sts]=={MOTO}");
        let Some(home) = peers::python("moto", &[&wanted]) else {
            return Ok(None);
        };
        let port = free_port().await?;
        let begun = Instant::now();
        let child = Command::new(home.join("bin/moto_server"))
            .args(["-H", "127.0.0.1", "-p", &port.to_string()])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()?;
        let process = Process::of(child)?;
        wait_for(port).await?;
        Ok(Some(Self {
            name: format!("moto {MOTO}"),
            endpoint: format!("http://127.0.0.1:{port}"),
            process,
            start_ms: begun.elapsed().as_secs_f64() * 1_000.0,
        }))
    }
}

/// Runs the local AWS until this process is killed; prints its address and how many microseconds its start took.
pub(crate) async fn serve() -> anyhow::Result<()> {
    let begun = Instant::now();
    let running = LocalAws::start(Options::default()).await?;
    println!("{} {}", running.endpoint(), begun.elapsed().as_micros());
    std::future::pending().await
}

async fn free_port() -> anyhow::Result<u16> {
    Ok(TcpListener::bind(("127.0.0.1", 0)).await?.local_addr()?.port())
}

async fn wait_for(port: u16) -> anyhow::Result<()> {
    let deadline = Instant::now() + START_TIME_MAX;
    while tokio::net::TcpStream::connect(("127.0.0.1", port)).await.is_err() {
        anyhow::ensure!(Instant::now() < deadline, "the peer did not start");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    Ok(())
}
