//! Capacity modes and the account's limits.
//!
//! On-demand streams begin with four shards and keep them: scaling by traffic is not simulated. Sources:
//! API_UpdateStreamMode, API_DescribeLimits; "Quotas and limits" of the developer guide, read 2026-11.

use chrono::TimeDelta;
use serde::Deserialize;

use super::Kinesis;
use super::scope::Scope;
use super::status::{Busy, MODE_CHANGE, Work};
use super::stream::StreamFacts;
use super::wire::{Refusal, StreamName, answer, parse};

/// On-demand streams of one account and region.
pub(super) const ON_DEMAND_STREAMS_MAX: usize = 50;
/// Changes of a stream's mode in a rolling day.
const MODE_CHANGES_MAX: usize = 2;
/// Shards of one account in the three regions with the large quota.
const SHARDS_LARGE: u32 = 20_000;
/// Elsewhere it is 1,000 or 6,000; the smaller, so that nothing works here that fails there.
const SHARDS_SMALL: u32 = 1_000;

/// Most open shards of one account in a region.
pub(super) fn shard_limit(region: &str) -> u32 {
    match region {
        "us-east-1" | "us-west-2" | "eu-west-1" => SHARDS_LARGE,
        _ => SHARDS_SMALL,
    }
}

pub(super) fn over_shard_limit(scope: Scope<'_>, limit: u32) -> Refusal {
    Refusal::new(
        "LimitExceededException",
        format!(
            "This request would exceed the shard limit for the account {} in {}. Limit: {limit}.",
            scope.account(),
            scope.region()
        ),
    )
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct StreamModeDetails {
    stream_mode: String,
}

impl StreamModeDetails {
    pub(super) fn is_on_demand(&self) -> Result<bool, Refusal> {
        match self.stream_mode.as_str() {
            "PROVISIONED" => Ok(false),
            "ON_DEMAND" => Ok(true),
            other => Err(Refusal::validation(format!(
                "1 validation error detected: Value '{other}' at 'streamModeDetails.streamMode' failed to satisfy constraint: Member must satisfy enum value set: [PROVISIONED, ON_DEMAND]"
            ))),
        }
    }
}

impl StreamFacts {
    /// Shards are the caller's matter in provisioned mode only.
    pub(super) fn require_provisioned(&self) -> Result<(), Refusal> {
        if self.on_demand {
            return Err(Refusal::validation(format!(
                "This API is only supported for data streams with the provisioned capacity mode. Stream {} is on-demand.",
                self.name
            )));
        }
        Ok(())
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct UpdateStreamMode {
    #[serde(rename = "StreamARN")]
    stream_arn: String,
    stream_mode_details: StreamModeDetails,
    warm_throughput_mi_bps: Option<i64>,
}

impl Kinesis {
    pub(super) fn update_stream_mode(&self, scope: Scope<'_>, body: &[u8]) -> Result<Vec<u8>, Refusal> {
        let request: UpdateStreamMode = parse(body)?;
        let name = StreamName {
            stream_name: None,
            stream_arn: Some(request.stream_arn),
        };
        let stream = self.find(scope, &name)?;
        let on_demand = request.stream_mode_details.is_on_demand()?;
        if request.warm_throughput_mi_bps.is_some() {
            return Err(Refusal::not_implemented(
                "UpdateStreamMode with WarmThroughputMiBps",
            ));
        }
        if on_demand && self.on_demand_streams(scope) >= ON_DEMAND_STREAMS_MAX {
            return Err(over_on_demand_limit(scope));
        }
        let mut topology = stream.write();
        topology.facts.require_active()?;
        let mut facts = topology.facts.clone();
        if facts.on_demand == on_demand {
            return Ok(Vec::new());
        }
        let now = scope.now();
        facts.mode_changes.retain(|at| now - *at < TimeDelta::hours(24));
        if facts.mode_changes.len() >= MODE_CHANGES_MAX {
            return Err(Refusal::new(
                "LimitExceededException",
                "A stream can be switched between on-demand and provisioned mode twice within 24 hours",
            ));
        }
        facts.mode_changes.push(now);
        facts.on_demand = on_demand;
        let until = scope.done_after(MODE_CHANGE);
        facts.busy = (until > now).then_some(Busy {
            with: Work::ModeChange,
            until,
        });
        stream.replace_facts(&mut topology, facts)?;
        Ok(Vec::new())
    }

    pub(super) fn describe_limits(&self, scope: Scope<'_>) -> Result<Vec<u8>, Refusal> {
        scope.permit("*", &scope.context())?;
        answer(&serde_json::json!({
            "ShardLimit": shard_limit(scope.region()),
            "OpenShardCount": self.open_shards(scope),
            "OnDemandStreamCount": self.on_demand_streams(scope),
            "OnDemandStreamCountLimit": ON_DEMAND_STREAMS_MAX,
        }))
    }

    /// Open shards of the caller's provisioned streams in the region: those count against the limit.
    pub(super) fn open_shards(&self, scope: Scope<'_>) -> u32 {
        let counts = self.of_scope(scope).into_iter().map(|stream| {
            let facts = &stream.read().facts;
            if facts.on_demand {
                0
            } else {
                u32::try_from(facts.open_shards().count()).unwrap_or(u32::MAX)
            }
        });
        counts.sum()
    }

    pub(super) fn on_demand_streams(&self, scope: Scope<'_>) -> usize {
        let streams = self.of_scope(scope);
        streams
            .iter()
            .filter(|stream| stream.read().facts.on_demand)
            .count()
    }
}

pub(super) fn over_on_demand_limit(scope: Scope<'_>) -> Refusal {
    Refusal::new(
        "LimitExceededException",
        format!(
            "This request would exceed the on-demand stream limit for the account {}. Limit: {ON_DEMAND_STREAMS_MAX}.",
            scope.account()
        ),
    )
}
