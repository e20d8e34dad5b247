//! Logs and metrics of the process, set up once.
//!
//! Logs go to standard error: JSON lines in production, readable lines on a terminal. Tokens, external ids,
//! bodies and addresses are never logged.

use std::io::IsTerminal;
use std::sync::OnceLock;

use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

/// How log lines look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LogFormat {
    /// Readable on a terminal, JSON otherwise.
    #[default]
    Auto,
    /// One JSON object on each line.
    Json,
    /// For people.
    Pretty,
}

impl std::str::FromStr for LogFormat {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "auto" => Ok(Self::Auto),
            "json" => Ok(Self::Json),
            "pretty" => Ok(Self::Pretty),
            _ => Err("auto, json or pretty"),
        }
    }
}

/// How a process logs.
#[derive(Clone, Debug)]
pub struct TelemetrySettings {
    /// The form of a line.
    pub format: LogFormat,
    /// `info`, or directives such as `info,tenant_store=debug`.
    pub filter: String,
}

impl Default for TelemetrySettings {
    fn default() -> Self {
        Self {
            format: LogFormat::Auto,
            filter: "info".to_owned(),
        }
    }
}

/// Renders the process's metrics.
#[derive(Clone)]
pub struct Metrics(PrometheusHandle);

impl std::fmt::Debug for Metrics {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Metrics")
    }
}

impl Metrics {
    /// The process's recorder. The first call installs it; later ones, in tests, share it.
    #[must_use]
    pub fn of_process() -> Self {
        static HANDLE: OnceLock<PrometheusHandle> = OnceLock::new();
        Self(HANDLE.get_or_init(install_recorder).clone())
    }

    /// The text form of Prometheus.
    #[must_use]
    pub fn render(&self) -> String {
        self.0.run_upkeep();
        self.0.render()
    }
}

fn install_recorder() -> PrometheusHandle {
    let seconds = [0.001, 0.005, 0.02, 0.05, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0];
    let recorder = PrometheusBuilder::new()
        .set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), &seconds)
        .expect("there are buckets")
        .build_recorder();
    let handle = recorder.handle();
    // When something else recorded first, our page stays empty and the process none the worse.
    if metrics::set_global_recorder(recorder).is_err() {
        tracing::warn!("metrics go to another recorder");
    }
    handle
}

/// Sets up logs and metrics. Later calls change nothing.
///
/// # Errors
/// When the filter is not readable.
pub fn init(settings: &TelemetrySettings) -> Result<Metrics, tracing_subscriber::filter::ParseError> {
    let filter = EnvFilter::builder().parse(&settings.filter)?;
    let json = match settings.format {
        LogFormat::Json => true,
        LogFormat::Pretty => false,
        LogFormat::Auto => !std::io::stderr().is_terminal(),
    };
    let registry = tracing_subscriber::registry().with(filter);
    let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
    // A second call finds the first one's subscriber and leaves it.
    let _ = if json {
        registry.with(lines.json().flatten_event(true)).try_init()
    } else {
        registry.with(lines.with_target(false)).try_init()
    };
    Ok(Metrics::of_process())
}
