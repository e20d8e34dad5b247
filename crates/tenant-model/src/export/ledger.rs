//! The ledger's rows as values: a batch, its delivery to a warehouse, and how a delivery moves on.

use chrono::{DateTime, TimeDelta, Utc};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::{BatchIdentity, BatchState, DeliveryState, InvalidDeliveryState, Sha256Hex, Totals};
use crate::ids::ExportId;

/// Longest pause before a load is tried again.
const PAUSE_SECONDS_MAX: i64 = 300;

/// What is exported, and where its windows stand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dataset {
    /// Identity in the database.
    pub id: Uuid,
    /// Name in keys and tables.
    pub name: String,
    /// See [`BatchIdentity::source_epoch`].
    pub source_epoch: i32,
    /// Everything booked before this position was asked for without waiting for the next cut.
    pub close_through: Option<i64>,
    /// When the last window was cut.
    pub last_cut_at: Option<DateTime<Utc>>,
    /// Grows with each taking of the lease; stands in every write of its holder.
    pub fence: i64,
}

/// A warehouse that receives every batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Destination {
    /// Identity in the database.
    pub id: Uuid,
    /// Name by which the configuration knows it.
    pub name: String,
    /// As [`Dataset::fence`].
    pub fence: i64,
}

/// One row of the ledger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Batch {
    /// `exp_…` at the edge.
    pub id: ExportId,
    /// The dataset's row.
    pub dataset_id: Uuid,
    /// Fixed before anything is written.
    pub identity: BatchIdentity,
    /// How far it is.
    pub progress: Progress,
    /// When the window was cut.
    pub created_at: DateTime<Utc>,
}

/// How far a batch is, with what is known from then on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Progress {
    /// See [`BatchState::Planned`].
    Planned,
    /// See [`BatchState::Written`].
    Written {
        /// Rows and sums in the files.
        totals: Totals,
    },
    /// See [`BatchState::Committed`].
    Committed {
        /// Rows and sums in the files.
        totals: Totals,
        /// Key of the manifest.
        manifest_key: String,
        /// Hash of the manifest, which the next one names as its previous.
        manifest_sha256: Sha256Hex,
        /// When the ledger learned of it.
        at: DateTime<Utc>,
    },
}

impl Batch {
    /// The state's word.
    pub fn state(&self) -> BatchState {
        match self.progress {
            Progress::Planned => BatchState::Planned,
            Progress::Written { .. } => BatchState::Written,
            Progress::Committed { .. } => BatchState::Committed,
        }
    }

    /// Rows and sums in the files, once they are written.
    pub fn totals(&self) -> Option<&Totals> {
        match &self.progress {
            Progress::Planned => None,
            Progress::Written { totals } | Progress::Committed { totals, .. } => Some(totals),
        }
    }
}

/// What source, bucket and warehouse hold of one batch, each counted where it lies.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sides {
    /// The booked events.
    pub source: Option<Totals>,
    /// The manifest in the bucket.
    pub stored: Option<Totals>,
    /// The warehouse's tables.
    pub warehouse: Option<Totals>,
}

impl Sides {
    /// True when all three were counted and are equal, row for row and digit for digit.
    pub fn balanced(&self) -> bool {
        self.source.is_some() && self.source == self.stored && self.source == self.warehouse
    }
}

/// The load of one batch into one warehouse.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// Identity in the database; part of every attempt's token.
    pub id: Uuid,
    /// Where to.
    pub destination_id: Uuid,
    /// What.
    pub batch_id: ExportId,
    /// How far.
    pub state: DeliveryState,
    /// Calls made or about to be made.
    pub attempt: i32,
    /// Stored before the call.
    pub client_token: Option<String>,
    /// Stored right after the call, before anything else is done with it.
    pub statement_id: Option<String>,
    /// When the attempt was stored.
    pub submitted_at: Option<DateTime<Utc>>,
    /// When the next step is due; none when nothing is left to do.
    pub due_at: Option<DateTime<Utc>>,
    /// What the warehouse said last, for people.
    pub error: Option<String>,
    /// The comparison.
    pub sides: Sides,
}

impl Delivery {
    /// A load that is due at once.
    pub fn new(id: Uuid, destination_id: Uuid, batch_id: ExportId, now: DateTime<Utc>) -> Self {
        Self {
            id,
            destination_id,
            batch_id,
            state: DeliveryState::Pending,
            attempt: 0,
            client_token: None,
            statement_id: None,
            submitted_at: None,
            due_at: Some(now),
            error: None,
            sides: Sides::default(),
        }
    }

    /// The next attempt. To be stored before the call that it announces.
    pub fn begin_attempt(self, now: DateTime<Utc>) -> Result<Self, InvalidDeliveryState> {
        let attempt = self.attempt.saturating_add(1);
        let next = Self {
            attempt,
            statement_id: None,
            submitted_at: Some(now),
            ..self.goes(DeliveryState::Submitting)?
        };
        let client_token = Some(client_token(next.id, attempt));
        Ok(Self {
            client_token,
            due_at: Some(now),
            ..next
        })
    }

    /// The warehouse took the statement.
    pub fn submitted(self, statement_id: String, now: DateTime<Utc>) -> Result<Self, InvalidDeliveryState> {
        let next = self.goes(DeliveryState::Submitted)?;
        Ok(Self {
            statement_id: Some(statement_id),
            due_at: Some(now),
            error: None,
            ..next
        })
    }

    /// Nobody knows whether the statement ran; the warehouse's ledger will say.
    pub fn lost(self, now: DateTime<Utc>) -> Result<Self, InvalidDeliveryState> {
        Ok(Self {
            due_at: Some(now),
            ..self.goes(DeliveryState::Unknown)?
        })
    }

    /// The attempt had no effect; another one after a pause that grows.
    pub fn again(self, why: String, now: DateTime<Utc>) -> Result<Self, InvalidDeliveryState> {
        let next = self.goes(DeliveryState::Pending)?;
        let due_at = Some(now + pause(next.attempt));
        Ok(Self {
            statement_id: None,
            due_at,
            error: Some(why),
            ..next
        })
    }

    /// The rows are loaded.
    pub fn finished(self, now: DateTime<Utc>) -> Result<Self, InvalidDeliveryState> {
        Ok(Self {
            due_at: Some(now),
            error: None,
            ..self.goes(DeliveryState::Finished)?
        })
    }

    /// All three sides were counted: equal is verified, anything else stays for an operator.
    pub fn compared(self, sides: Sides) -> Result<Self, InvalidDeliveryState> {
        let balanced = sides.balanced();
        let state = if balanced {
            DeliveryState::Verified
        } else {
            DeliveryState::Failed
        };
        let error = (!balanced).then(|| "source, bucket and warehouse do not hold the same".to_owned());
        Ok(Self {
            sides,
            error,
            due_at: None,
            ..self.goes(state)?
        })
    }

    /// The warehouse refused for good.
    pub fn ended(self, state: DeliveryState, why: String) -> Result<Self, InvalidDeliveryState> {
        Ok(Self {
            due_at: None,
            error: Some(why),
            ..self.goes(state)?
        })
    }

    /// Looks again later; nothing else changes.
    pub fn wait(self, until: DateTime<Utc>) -> Self {
        Self {
            due_at: Some(until),
            ..self
        }
    }

    fn goes(self, state: DeliveryState) -> Result<Self, InvalidDeliveryState> {
        Ok(Self {
            state: self.state.become_(state)?,
            ..self
        })
    }
}

/// 64 hexadecimal digits, which is the longest token the Data API takes.
fn client_token(delivery_id: Uuid, attempt: i32) -> String {
    let mut hash = Sha256::new();
    hash.update(delivery_id.as_bytes());
    hash.update(attempt.to_be_bytes());
    Sha256Hex::from_bytes(hash.finalize().into()).to_string()
}

/// 1, 2, 4 … seconds, at most five minutes.
fn pause(attempt: i32) -> TimeDelta {
    let doublings = u32::try_from(attempt.saturating_sub(1)).unwrap_or(0).min(16);
    TimeDelta::seconds((1_i64 << doublings).min(PAUSE_SECONDS_MAX))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::export::Quantity38;

    fn now() -> DateTime<Utc> {
        DateTime::<Utc>::UNIX_EPOCH
    }

    fn delivery() -> Delivery {
        Delivery::new(
            Uuid::from_u128(1),
            Uuid::from_u128(2),
            ExportId::from_uuid(Uuid::from_u128(3)),
            now(),
        )
    }

    fn totals(rows: i64) -> Option<Totals> {
        let mut totals = Totals::default();
        totals.add("scans", rows, Quantity38::ZERO).expect("fits");
        Some(totals)
    }

    #[test]
    fn every_attempt_has_its_own_token_and_the_same_attempt_the_same() {
        let first = delivery().begin_attempt(now()).expect("may begin");
        let again = delivery().begin_attempt(now()).expect("may begin");
        assert_eq!(first.client_token, again.client_token);
        let second = first
            .clone()
            .again("throttled".into(), now())
            .expect("may repeat");
        let second = second.begin_attempt(now()).expect("may begin");
        assert_ne!(first.client_token, second.client_token);
        assert_eq!(second.client_token.map(|token| token.len()), Some(64));
    }

    #[test]
    fn pauses_double_up_to_five_minutes() {
        let seconds: Vec<i64> = [0, 1, 2, 3, 9, 10, 1000]
            .map(|attempt| pause(attempt).num_seconds())
            .into();
        assert_eq!(seconds, [1, 1, 2, 4, 256, 300, 300]);
    }

    #[test]
    fn only_three_equal_sides_are_verified() {
        let finished = || {
            let submitted = delivery()
                .begin_attempt(now())
                .and_then(|one| one.submitted("id".into(), now()));
            submitted
                .and_then(|one| one.finished(now()))
                .expect("a finished delivery")
        };
        let equal = Sides {
            source: totals(2),
            stored: totals(2),
            warehouse: totals(2),
        };
        let doubled = Sides {
            warehouse: totals(4),
            ..equal.clone()
        };
        let unseen = Sides {
            warehouse: None,
            ..equal.clone()
        };
        assert!(!Sides::default().balanced(), "nothing counted is not balanced");
        let state = |sides| finished().compared(sides).expect("may be compared").state;
        assert_eq!(state(equal), DeliveryState::Verified);
        assert_eq!(state(doubled), DeliveryState::Failed);
        assert_eq!(state(unseen), DeliveryState::Failed);
    }

    #[test]
    fn what_is_over_has_nothing_due() {
        let submitted = delivery()
            .begin_attempt(now())
            .and_then(|one| one.submitted("id".into(), now()));
        let ended = submitted
            .and_then(|one| one.ended(DeliveryState::Failed, "refused".into()))
            .expect("may end");
        assert_eq!(ended.due_at, None);
        assert!(ended.begin_attempt(now()).is_err());
    }
}
