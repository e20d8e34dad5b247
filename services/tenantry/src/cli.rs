//! The command line. Each verb is one module; this file only says what can be typed.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use tenant_model::deployment::{PROFILES, Profile};
use tenantry::Service;

use crate::rehearse::FaultMix;

/// Tenantry: the control plane an ISV runs to sell its data platform on AWS.
#[derive(Debug, Parser)]
#[command(name = "tenantry", version, max_term_width = 100)]
pub(crate) struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run everything on this machine: PostgreSQL, the AWS endpoint, all services and a demo ISV.
    #[command(after_help = "Example:\n  tenantry dev --listen 127.0.0.1:8080 --data-dir .tenantry")]
    Dev(DevArgs),
    /// Play the main job on a fresh world, from signup to usage in the warehouse, and check the books.
    #[command(after_help = "Examples:\n  tenantry demo\n  tenantry demo --json | jq .usage_booked")]
    Demo(DemoArgs),
    /// Play a blueprint for many tenants in an AWS in memory, under faults, and look what is left behind.
    #[command(
        after_help = "Examples:\n  tenantry rehearse --profile single --tenants 100 --faults storm --seed 7\n  \
                      tenantry rehearse --faults calm --json | jq .calls_per_tenant\n  \
                      tenantry rehearse --crash-points\n  \
                      tenantry rehearse --lease-steals 1000"
    )]
    Rehearse(RehearseArgs),
    /// One worker process of a rehearsal, directed by standard input.
    #[command(hide = true)]
    RehearseWorker,
    /// Run one service, or all of them, against the configured database and AWS.
    #[command(after_help = "Example:\n  DATABASE_URL=… tenantry serve usage-metering --listen 0.0.0.0:8080")]
    Serve(ServeArgs),
    /// Bring the database's schema up to date, as the role that owns it.
    Migrate,
    /// Ask for a plan: of a new deployment, of a change, of a deletion. Nothing happens before it is approved.
    #[command(
        after_help = "Examples:\n  tenantry plan --connection con_… --region eu-central-1 --profile highly-available\n  \
                      tenantry plan --deployment dep_… --instance-type m6i.large\n  \
                      tenantry plan --deployment dep_… --delete --json | jq .plan.hash"
    )]
    Plan(PlanArgs),
    /// Approve a plan by its hash.
    Approve(ApproveArgs),
    /// Watch an operation until it has ended.
    Watch(WatchArgs),
    /// Print the OpenAPI document.
    Openapi,
    /// Print the settings in effect, secrets masked.
    Config,
    /// Run the local AWS endpoint alone.
    LocalAws(LocalAwsArgs),
    /// Check an export bucket: its manifest chain, files, rows and sums.
    #[command(after_help = "Example:\n  tenantry verify-export s3://bucket/prefix")]
    VerifyExport(VerifyExportArgs),
    /// Check the audit chains of the configured database.
    VerifyAudit,
    /// Check a connection's evidence document, or one round of its proof, against an installation's public keys.
    #[command(
        after_help = "Example:\n  curl -s https://…/.well-known/jwks.json -o keys.json\n  \
                      tenantry verify-evidence evidence-con_….json --keys keys.json"
    )]
    VerifyEvidence(VerifyFileArgs),
    /// Check a deployment's certificate of deletion against an installation's public keys.
    #[command(
        after_help = "Example:\n  curl -s https://…/.well-known/jwks.json -o keys.json\n  \
                      tenantry verify-certificate certificate-dep_….json --keys keys.json"
    )]
    VerifyCertificate(VerifyFileArgs),
    /// Check downloaded parts of a tenant's ledger: every hash, and that the parts follow each other.
    #[command(after_help = "Example:\n  tenantry verify-ledger ledger-tnt_….json --keys keys.json")]
    VerifyLedger(VerifyLedgerArgs),
    /// Put the customer's template into a bucket under the hash of its content, before a release is rolled out.
    #[command(after_help = "Example:\n  tenantry publish-template tenantry-templates")]
    PublishTemplate(PublishTemplateArgs),
    /// Make an operator and print a single-use sign-in link.
    CreateOperator(CreateOperatorArgs),
}

#[derive(Debug, Args)]
pub(crate) struct DevArgs {
    /// Where the console and the API listen; port 0 takes a free one.
    #[arg(long, default_value = "127.0.0.1:8080")]
    pub(crate) listen: SocketAddr,
    /// Where everything is kept between starts.
    #[arg(long, default_value = ".tenantry")]
    pub(crate) data_dir: PathBuf,
    /// Start without the demo tenants and their usage.
    #[arg(long)]
    pub(crate) empty: bool,
}

#[derive(Debug, Args)]
pub(crate) struct DemoArgs {
    /// Print the figures as one JSON object.
    #[arg(long)]
    pub(crate) json: bool,
    /// How many usage events to send.
    #[arg(long, default_value_t = 100_000, value_parser = clap::value_parser!(u32).range(1_000..=5_000_000))]
    pub(crate) events: u32,
    /// Fixes which events are sent; the same seed sends the same.
    #[arg(long, default_value_t = 42)]
    pub(crate) seed: u64,
}

#[derive(Clone, Debug, Args)]
pub(crate) struct RehearseArgs {
    /// What each deployment is made of.
    #[arg(long, default_value = "single", value_parser = profile)]
    pub(crate) profile: Profile,
    /// How many tenants get a deployment, each in an account of its own.
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub(crate) tenants: u32,
    /// What goes wrong.
    #[arg(long, default_value_t = FaultMix::Storm, value_enum)]
    pub(crate) faults: FaultMix,
    /// Fixes everything that is drawn: the same seed gives the same run.
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
    /// Instead: kill a worker process at this many points of the life of a deployment, spread evenly; without a
    /// number at every one.
    #[arg(long, value_name = "POINTS", num_args = 0..=1, default_missing_value = "0")]
    pub(crate) crash_points: Option<u32>,
    /// Instead: stop a worker process this many times, let another take its lease, and let it go on.
    #[arg(long, value_name = "ROUNDS", conflicts_with = "crash_points")]
    pub(crate) lease_steals: Option<u32>,
    /// Print the figures as one JSON object.
    #[arg(long)]
    pub(crate) json: bool,
}

fn profile(name: &str) -> Result<Profile, String> {
    let names = || PROFILES.map(Profile::name).join(", ");
    Profile::from_name(name).ok_or_else(|| format!("choose one of: {}", names()))
}

#[derive(Debug, Args)]
pub(crate) struct ServeArgs {
    /// Which service.
    pub(crate) service: Service,
    /// Where it listens; port 0 takes a free one.
    #[arg(long, default_value = "0.0.0.0:8080")]
    pub(crate) listen: SocketAddr,
}

#[derive(Debug, Args)]
pub(crate) struct LocalAwsArgs {
    /// Where it listens: a loopback address.
    #[arg(long, default_value = "127.0.0.1:4566")]
    pub(crate) listen: SocketAddr,
    /// Where state is kept; in memory without it.
    #[arg(long)]
    pub(crate) data_dir: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct VerifyExportArgs {
    /// The export's place, `s3://bucket/prefix`.
    pub(crate) url: String,
}

#[derive(Debug, Args)]
pub(crate) struct VerifyFileArgs {
    /// The file that was downloaded.
    pub(crate) file: PathBuf,
    /// The installation's public keys, as `/.well-known/jwks.json` shows them.
    #[arg(long)]
    pub(crate) keys: PathBuf,
}

#[derive(Debug, Args)]
pub(crate) struct PublishTemplateArgs {
    /// The bucket that `TENANTRY_TEMPLATES_URL` is the address of.
    pub(crate) bucket: String,
}

#[derive(Debug, Args)]
pub(crate) struct VerifyLedgerArgs {
    /// The files that were downloaded, in order.
    #[arg(required = true)]
    pub(crate) files: Vec<PathBuf>,
    /// The installation's public keys, as `/.well-known/jwks.json` shows them.
    #[arg(long)]
    pub(crate) keys: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct CreateOperatorArgs {
    /// The operator's e-mail address.
    pub(crate) email: String,
}

/// Whom to ask, and as whom.
#[derive(Debug, Args)]
pub(crate) struct Remote {
    /// Address of the API.
    #[arg(long, env = "TENANTRY_API", default_value = "http://127.0.0.1:8080")]
    pub(crate) api: String,
    /// An access token, as `POST /v1/sessions` gives it.
    #[arg(long, env = "TENANTRY_TOKEN", hide_env_values = true)]
    pub(crate) token: String,
}

#[derive(Debug, Args)]
pub(crate) struct PlanArgs {
    #[command(flatten)]
    pub(crate) remote: Remote,
    /// The deployment to change or delete; a new one without it.
    #[arg(long)]
    pub(crate) deployment: Option<String>,
    /// Plan its end.
    #[arg(long)]
    pub(crate) delete: bool,
    /// The connection of a new deployment.
    #[arg(long)]
    pub(crate) connection: Option<String>,
    /// The region of a new deployment.
    #[arg(long)]
    pub(crate) region: Option<String>,
    /// What it is made of.
    #[arg(long, value_parser = profile)]
    pub(crate) profile: Option<Profile>,
    /// Size of the machines.
    #[arg(long)]
    pub(crate) instance_type: Option<String>,
    /// With a Multi-AZ database; highly available deployments only.
    #[arg(long)]
    pub(crate) database: bool,
    /// Print the operation as JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct ApproveArgs {
    #[command(flatten)]
    pub(crate) remote: Remote,
    /// The operation.
    pub(crate) operation: String,
    /// The hash of its plan, as it was shown.
    pub(crate) plan_hash: String,
}

#[derive(Debug, Args)]
pub(crate) struct WatchArgs {
    #[command(flatten)]
    pub(crate) remote: Remote,
    /// The operation.
    pub(crate) operation: String,
}
