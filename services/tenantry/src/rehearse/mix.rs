//! Named mixes of faults: what an ISV may meet on AWS, from a calm day to a storm.

use clap::ValueEnum;
use local_aws::{Control, Fault, FaultRule, LagSettings};

/// Which faults a rehearsal meets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum FaultMix {
    /// None at all: AWS answers at once and sees everything at once.
    Calm,
    /// New things are seen late, and instances take their time.
    Lag,
    /// AWS asks to slow down.
    Throttle,
    /// Answers are lost, before or after the effect, and AWS fails.
    Lossy,
    /// There is no capacity for instances at first, and quotas are used up now and then.
    Capacity,
    /// All of it, calls that arrive twice, and workers are killed.
    Storm,
}

impl FaultMix {
    /// Its name on the command line.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Calm => "calm",
            Self::Lag => "lag",
            Self::Throttle => "throttle",
            Self::Lossy => "lossy",
            Self::Capacity => "capacity",
            Self::Storm => "storm",
        }
    }

    /// Makes the endpoint behave so.
    pub(super) fn raise(self, control: &Control) {
        if self.lags() {
            control.set_lag(LagSettings {
                describe_ms_max: 20_000,
                instance_ms: 25_000,
                ..LagSettings::default()
            });
        }
        for rule in self.rules() {
            let added = control.add_fault(rule);
            debug_assert!(added, "a mix has few rules");
        }
    }

    /// How many of a million calls that change something are a worker's last.
    pub(super) fn crashes_per_million(self) -> u32 {
        match self {
            Self::Calm | Self::Lag | Self::Throttle | Self::Lossy | Self::Capacity => 0,
            Self::Storm => 15_000,
        }
    }

    fn lags(self) -> bool {
        matches!(self, Self::Lag | Self::Storm)
    }

    fn rules(self) -> Vec<FaultRule> {
        match self {
            Self::Calm | Self::Lag => Vec::new(),
            Self::Throttle => throttle(),
            Self::Lossy => lossy(),
            Self::Capacity => capacity(),
            Self::Storm => [capacity(), lossy(), repeated(), throttle(), closed_doors()].concat(),
        }
    }
}

fn throttle() -> Vec<FaultRule> {
    vec![
        of("ec2", Fault::Throttle).rate_per_million(60_000),
        of("sts", Fault::Throttle).rate_per_million(10_000),
    ]
}

fn lossy() -> Vec<FaultRule> {
    vec![
        of("ec2", Fault::EffectWithoutReply { hang_ms: 0 }).rate_per_million(40_000),
        of("ec2", Fault::Timeout { hang_ms: 0 }).rate_per_million(20_000),
        of("ec2", Fault::ServerError).rate_per_million(20_000),
    ]
}

/// A request that something on the way repeats.
fn repeated() -> Vec<FaultRule> {
    vec![of("ec2", Fault::DeliveredTwice).rate_per_million(20_000)]
}

fn capacity() -> Vec<FaultRule> {
    vec![
        FaultRule::on("RunInstances", Fault::InsufficientCapacity).rate_per_million(300_000),
        of("ec2", Fault::QuotaExceeded).rate_per_million(20_000),
    ]
}

/// What only a storm brings: the door to every account fails as well.
fn closed_doors() -> Vec<FaultRule> {
    vec![
        of("sts", Fault::ServerError).rate_per_million(10_000),
        of("sts", Fault::Timeout { hang_ms: 0 }).rate_per_million(10_000),
    ]
}

/// A rule for all calls of one service.
fn of(service: &str, fault: Fault) -> FaultRule {
    FaultRule {
        operation: None,
        service: Some(service.to_owned()),
        ..FaultRule::on("", fault)
    }
}
