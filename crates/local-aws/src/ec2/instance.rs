//! Instances and their states.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::catalog::Image;
use super::describe::Filtered;
use super::kind::Kind;
use super::state::{Meta, resource};
use crate::core::Core;

/// An instance.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Instance {
    pub(super) meta: Meta,
    pub(super) reservation_id: String,
    pub(super) launch_index: i64,
    pub(super) image: Image,
    pub(super) instance_type: String,
    pub(super) vpc_id: String,
    pub(super) subnet_id: String,
    pub(super) zone: String,
    pub(super) interface_id: String,
    pub(super) groups: Vec<String>,
    pub(super) state: State,
    /// When a passing state ends.
    pub(super) settles_at: DateTime<Utc>,
    pub(super) launched_at: DateTime<Utc>,
    /// When the status checks of a starting instance pass.
    #[serde(default)]
    pub(super) checks_pass_at: DateTime<Utc>,
    /// Why the state changed last, as code and sentence.
    #[serde(default)]
    pub(super) reason: Option<(String, String)>,
    pub(super) settings: Settings,
    pub(super) owner: String,
}
resource!(Instance, Kind::Instance);

/// What was chosen at launch and can be changed by attribute.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Settings {
    /// As sent: base64.
    pub(super) user_data: Option<String>,
    pub(super) client_token: Option<String>,
    pub(super) http_tokens: String,
    pub(super) http_endpoint: String,
    pub(super) hop_limit: i64,
    pub(super) metadata_tags: String,
    pub(super) termination_protected: bool,
    pub(super) ebs_optimized: bool,
    pub(super) monitoring: bool,
    pub(super) source_dest_check: bool,
    pub(super) public_ip: Option<bool>,
    /// What shutting down from inside means.
    #[serde(default = "stop")]
    pub(super) shutdown_behavior: String,
    #[serde(default)]
    pub(super) profile: Option<Profile>,
}

fn stop() -> String {
    "stop".into()
}

/// The instance profile an instance has.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Profile {
    pub(super) arn: String,
    pub(super) id: String,
}

/// What one of the two status checks says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Check {
    /// Only running instances are checked.
    NotApplicable,
    /// The instance started a moment ago.
    Initializing,
    /// The check passes.
    Ok,
    /// It fails: the zone is lost.
    Impaired,
}

impl Check {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::NotApplicable => "not-applicable",
            Self::Initializing => "initializing",
            Self::Ok => "ok",
            Self::Impaired => "impaired",
        }
    }

    /// The word for reachability beside it.
    pub(super) fn reachability(self) -> Option<&'static str> {
        match self {
            Self::NotApplicable => None,
            Self::Initializing => Some("initializing"),
            Self::Ok => Some("passed"),
            Self::Impaired => Some("failed"),
        }
    }
}

/// Where an instance is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum State {
    /// Starting.
    Pending,
    /// Running.
    Running,
    /// Ending.
    ShuttingDown,
    /// Ended; shown for an hour.
    Terminated,
    /// Stopping.
    Stopping,
    /// Stopped.
    Stopped,
}

impl State {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Running => "running",
            Self::ShuttingDown => "shutting-down",
            Self::Terminated => "terminated",
            Self::Stopping => "stopping",
            Self::Stopped => "stopped",
        }
    }

    /// The number beside the name (EC2 API reference, "InstanceState").
    pub(super) fn code(self) -> u8 {
        match self {
            Self::Pending => 0,
            Self::Running => 16,
            Self::ShuttingDown => 32,
            Self::Terminated => 48,
            Self::Stopping => 64,
            Self::Stopped => 80,
        }
    }
}

impl Instance {
    pub(super) fn is_live(&self) -> bool {
        self.state != State::Terminated
    }

    /// What both status checks say.
    pub(super) fn check(&self, core: &Core) -> Check {
        if self.state != State::Running {
            Check::NotApplicable
        } else if core.outages.zone_lost(&self.zone) {
            Check::Impaired
        } else if core.clock.now() < self.checks_pass_at {
            Check::Initializing
        } else {
            Check::Ok
        }
    }

    pub(super) fn is_ending(&self) -> bool {
        matches!(self.state, State::Terminated | State::ShuttingDown)
    }
}

impl Filtered for Instance {
    const FILTERS: &[&str] = &[
        "architecture",
        "availability-zone",
        "client-token",
        "group-id",
        "iam-instance-profile.arn",
        "iam-instance-profile.id",
        "image-id",
        "instance-id",
        "instance-state-code",
        "instance-state-name",
        "instance-type",
        "instance.group-id",
        "launch-index",
        "metadata-options.http-endpoint",
        "metadata-options.http-tokens",
        "network-interface.group-id",
        "network-interface.network-interface-id",
        "network-interface.subnet-id",
        "network-interface.vpc-id",
        "owner-id",
        "reservation-id",
        "root-device-name",
        "root-device-type",
        "state-reason-code",
        "subnet-id",
        "tenancy",
        "vpc-id",
    ];

    fn field(&self, name: &str) -> Option<Vec<String>> {
        Some(match name {
            "instance-id" => vec![self.meta.id.clone()],
            "instance-state-name" => vec![self.state.name().into()],
            "instance-state-code" => vec![self.state.code().to_string()],
            "instance-type" => vec![self.instance_type.clone()],
            "image-id" => vec![self.image.id.clone()],
            "architecture" => vec![self.image.architecture.clone()],
            "vpc-id" | "network-interface.vpc-id" => vec![self.vpc_id.clone()],
            "subnet-id" | "network-interface.subnet-id" => vec![self.subnet_id.clone()],
            "availability-zone" => vec![self.zone.clone()],
            "iam-instance-profile.arn" => self.settings.profile.iter().map(|own| own.arn.clone()).collect(),
            "iam-instance-profile.id" => self.settings.profile.iter().map(|own| own.id.clone()).collect(),
            "launch-index" => vec![self.launch_index.to_string()],
            "root-device-name" => vec![self.image.root_device.clone()],
            "root-device-type" => vec!["ebs".into()],
            "tenancy" => vec!["default".into()],
            "metadata-options.http-tokens" => vec![self.settings.http_tokens.clone()],
            "metadata-options.http-endpoint" => vec![self.settings.http_endpoint.clone()],
            "network-interface.network-interface-id" => vec![self.interface_id.clone()],
            "state-reason-code" => self.reason.iter().map(|(code, _)| code.clone()).collect(),
            "client-token" => self.settings.client_token.iter().cloned().collect(),
            "instance.group-id" | "group-id" | "network-interface.group-id" => self.groups.clone(),
            "reservation-id" => vec![self.reservation_id.clone()],
            "owner-id" => vec![self.owner.clone()],
            _ => return None,
        })
    }
}
