//! Instances and their states.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::catalog::Image;
use super::describe::Filtered;
use super::kind::Kind;
use super::state::{Meta, resource};

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

    pub(super) fn is_ending(&self) -> bool {
        matches!(self.state, State::Terminated | State::ShuttingDown)
    }
}

impl Filtered for Instance {
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
            "client-token" => self.settings.client_token.iter().cloned().collect(),
            "instance.group-id" | "group-id" | "network-interface.group-id" => self.groups.clone(),
            "reservation-id" => vec![self.reservation_id.clone()],
            "owner-id" => vec![self.owner.clone()],
            _ => return None,
        })
    }
}
