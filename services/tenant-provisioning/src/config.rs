//! Limits and intervals of provisioning.

use std::{sync::Arc, time::Duration};

use tenant_model::{blueprint::ENDPOINT_ZONE, plan::Terms};

/// What the service may do, where and how often.
#[derive(Clone, Debug)]
pub struct ProvisioningConfig {
    /// Name of this installation, a tag on everything. Staging and production never sweep each other.
    pub install: String,
    /// Regions that can be chosen.
    pub regions: Vec<String>,
    /// Name of the current release's machine image, published by Amazon in every region.
    pub image: String,
    /// Prices and permissions that plans are made with.
    pub terms: Arc<Terms>,
    /// The public hosted zone of the ISV in which every deployment gets a name.
    pub endpoint_zone: String,
    /// Workers in this process.
    pub workers: u16,
    /// How long a worker waits when nothing is due.
    pub poll_interval: Duration,
    /// Calls that change something, at most, in one pass. Bounds how long a deployment is held.
    pub calls_per_pass_max: u32,
    /// Calls of one pass that are under way at the same time, on branches that do not depend on each other.
    pub calls_at_once_max: usize,
    /// Pause before looking again at something AWS is still working on; also the base of the back-off.
    pub wait_interval: Duration,
    /// Time over which the three looks for a lost creation are spread. EC2 promises no bound; two
    /// minutes cover what is seen in practice.
    pub settle_window: Duration,
    /// How long a new resource may be missing from Describe before it counts as gone.
    pub missing_grace: Duration,
    /// Pause between two looks at a deployment that is as it should be.
    pub drift_interval: Duration,
    /// Pause before trying again when the connection is not ready.
    pub frozen_interval: Duration,
    /// Pause between the two clean sweeps that prove a deletion: the tagging index follows with a delay.
    pub sweep_interval: Duration,
    /// Pause between two comparisons of an account's own log with the ledger.
    pub compare_interval: Duration,
}

impl ProvisioningConfig {
    /// For real accounts.
    #[must_use]
    pub fn production(install: &str, regions: Vec<String>, image: &str) -> Self {
        Self {
            endpoint_zone: ENDPOINT_ZONE.to_owned(),
            calls_at_once_max: 8,
            install: install.to_owned(),
            regions,
            image: image.to_owned(),
            terms: Arc::new(Terms::current()),
            workers: 4,
            poll_interval: Duration::from_secs(1),
            calls_per_pass_max: 32,
            wait_interval: Duration::from_secs(2),
            settle_window: Duration::from_secs(120),
            missing_grace: Duration::from_secs(300),
            drift_interval: Duration::from_secs(600),
            frozen_interval: Duration::from_secs(10),
            sweep_interval: Duration::from_secs(900),
            compare_interval: Duration::from_secs(900),
        }
    }

    /// For the embedded default, where AWS answers at once and does not lag.
    #[must_use]
    pub fn local() -> Self {
        Self {
            workers: 2,
            poll_interval: Duration::from_millis(100),
            wait_interval: Duration::from_millis(200),
            settle_window: Duration::from_secs(2),
            missing_grace: Duration::from_secs(2),
            drift_interval: Duration::from_secs(60),
            frozen_interval: Duration::from_secs(2),
            sweep_interval: Duration::from_secs(2),
            compare_interval: Duration::from_secs(30),
            ..Self::production(
                "local",
                ["eu-central-1", "eu-west-1", "us-east-1"]
                    .map(str::to_owned)
                    .to_vec(),
                IMAGE,
            )
        }
    }
}

/// Amazon Linux 2023, the base of the current release.
pub const IMAGE: &str = "al2023-ami-2023.8.20250915.0-kernel-6.1-x86_64";
