//! How often an account may call an operation in a second, held against callers while the rates of shards are.
//!
//! Sources: the API page of each operation, read 2026-11. Changes of retention and mode have limits that no page gives.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use super::scope::Scope;
use super::wire::Refusal;

/// Calls of ListShards that one stream answers in a second.
const LISTS_PER_STREAM: u32 = 1_000;

/// Calls of an account and region in a second, of those operations that are counted so.
fn per_account(operation: &str) -> Option<u32> {
    match operation {
        "DescribeLimits" => Some(1),
        "CreateStream"
        | "DeleteStream"
        | "ListStreams"
        | "SplitShard"
        | "MergeShards"
        | "AddTagsToStream"
        | "RemoveTagsFromStream"
        | "ListTagsForStream" => Some(5),
        "DescribeStream" | "UpdateShardCount" => Some(10),
        "DescribeStreamSummary" => Some(20),
        _ => None,
    }
}

/// The calls of the running second.
#[derive(Debug, Default)]
pub(super) struct CallRates(Mutex<Running>);

#[derive(Debug, Default)]
struct Running {
    second: i64,
    calls: HashMap<Counted, u32>,
}

/// What is counted together.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Counted {
    account: String,
    region: String,
    operation: String,
    /// Empty where the account's calls are counted over all its streams.
    stream: String,
}

impl CallRates {
    /// Counts a call, or refuses it.
    ///
    /// # Errors
    /// `LimitExceededException` when the account has made as many calls in this second as it may.
    pub(super) fn admit(&self, scope: Scope<'_>) -> Result<(), Refusal> {
        match per_account(&scope.call.operation) {
            Some(limit) => self.count(scope, "", limit),
            None => Ok(()),
        }
    }

    /// Counts a call of ListShards, or refuses it.
    ///
    /// # Errors
    /// `LimitExceededException` when the stream has answered as many calls in this second as it does.
    pub(super) fn admit_list(&self, scope: Scope<'_>, stream: &str) -> Result<(), Refusal> {
        self.count(scope, stream, LISTS_PER_STREAM)
    }

    fn count(&self, scope: Scope<'_>, stream: &str, limit: u32) -> Result<(), Refusal> {
        if !scope.rates_enforced() {
            return Ok(());
        }
        let counted = Counted {
            account: scope.account().to_owned(),
            region: scope.region().to_owned(),
            operation: scope.call.operation.clone(),
            stream: stream.to_owned(),
        };
        let mut running = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let second = scope.now().timestamp();
        if running.second != second {
            running.second = second;
            running.calls.clear();
        }
        let calls = running.calls.entry(counted).or_default();
        if *calls >= limit {
            return Err(Refusal::new(
                "LimitExceededException",
                format!("Rate exceeded for account {}.", scope.account()),
            ));
        }
        *calls += 1;
        Ok(())
    }
}
