//! `tenantry`: one executable for every service, the embedded default, the demo and the operator's tools.

mod cli;
mod demo;
mod dev;
mod environment;
mod plan;
mod progress;
mod rehearse;
mod serve;
mod tools;
mod verify;

use std::process::ExitCode;

use clap::Parser as _;
use service_kit::config::ConfigMistakes;
use service_kit::telemetry::{self, TelemetrySettings};

use crate::cli::{Cli, Command};

/// A setting or an argument was wrong.
const USAGE: u8 = 2;

#[tokio::main]
async fn main() -> ExitCode {
    let cli = Cli::parse();
    if let Err(error) = telemetry::init(&telemetry_of(&cli.command)) {
        eprintln!("error: {error}");
        return ExitCode::from(USAGE);
    }
    match run(cli.command).await {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error:#}");
            let usage = error.downcast_ref::<ConfigMistakes>().is_some();
            ExitCode::from(if usage { USAGE } else { 1 })
        }
    }
}

async fn run(command: Command) -> anyhow::Result<ExitCode> {
    match command {
        Command::Dev(args) => dev::run(&args).await.map(|()| ExitCode::SUCCESS),
        Command::Demo(args) => demo::run(&args).await,
        Command::Rehearse(args) => rehearse::run(&args).await,
        Command::RehearseWorker => rehearse::worker::run().await,
        Command::Serve(args) => serve::run(args.service, args.listen)
            .await
            .map(|()| ExitCode::SUCCESS),
        Command::Migrate => tools::migrate().await,
        Command::Plan(args) => plan::plan(&args).await,
        Command::Approve(args) => plan::approve(&args).await,
        Command::Watch(args) => plan::watch(&args).await,
        Command::Openapi => tools::openapi(),
        Command::Config => tools::config(),
        Command::LocalAws(args) => tools::local_aws(args).await,
        Command::VerifyExport(args) => tools::verify_export(&args.url).await,
        Command::VerifyAudit => tools::verify_audit().await,
        Command::VerifyEvidence(args) => verify::evidence(&args),
        Command::VerifyCertificate(args) => verify::certificate(&args),
        Command::VerifyLedger(args) => verify::ledger(&args),
        Command::PublishTemplate(args) => tools::publish_template(args.bucket).await,
        Command::CreateOperator(args) => tools::create_operator(&args.email).await,
    }
}

/// The demo and a rehearsal speak by their stages and their table; everything else tells its story.
fn telemetry_of(command: &Command) -> TelemetrySettings {
    let filter = match command {
        Command::Demo(_) | Command::Rehearse(_) | Command::RehearseWorker => "error",
        Command::Plan(_)
        | Command::Approve(_)
        | Command::Watch(_)
        | Command::Openapi
        | Command::Config
        | Command::VerifyEvidence(_)
        | Command::VerifyCertificate(_)
        | Command::VerifyLedger(_) => "warn",
        Command::Dev(_)
        | Command::Serve(_)
        | Command::Migrate
        | Command::LocalAws(_)
        | Command::VerifyExport(_)
        | Command::VerifyAudit
        | Command::PublishTemplate(_)
        | Command::CreateOperator(_) => "info,aws_config=warn,aws_smithy_runtime=warn,sqlx=warn",
    };
    TelemetrySettings {
        filter: filter.to_owned(),
        ..TelemetrySettings::default()
    }
}
