//! Why a pass stopped. Nothing is lost by it: the next pass goes on from the ledger.

use aws_access::AwsError;
use parquet::errors::ParquetError;
use tenant_model::export::{InvalidDeliveryState, ManifestError, TotalsOverflow, WatermarkWentBack};
use tenant_store::StoreError;

use crate::warehouse_sql::TooManyMonths;

/// Why a pass stopped.
#[derive(Debug, thiserror::Error)]
pub enum PassError {
    /// The database: away, or our lease was taken over.
    #[error("the ledger could not be read or written")]
    Store(#[from] StoreError),
    /// AWS refused or did not answer.
    #[error("a call to AWS failed")]
    Aws(#[from] AwsError),
    /// A statement of ours that is not a load.
    #[error("the warehouse refused a statement: {0}")]
    Warehouse(String),
    /// The positions of the source began again. Nothing is exported until an operator says how to go on.
    #[error(transparent)]
    WatermarkWentBack(#[from] WatermarkWentBack),
    /// The bucket is ahead of the ledger. Nothing is exported until an operator says how to go on.
    #[error("the bucket holds {key}, which the ledger does not know; the database was set back in time")]
    LedgerBehind {
        /// The first manifest that the ledger does not know.
        key: String,
    },
    /// A key holds other bytes than ours.
    #[error("the object {key} exists with another content")]
    ForeignObject {
        /// Its key.
        key: String,
    },
    /// An object was there and is not any more.
    #[error("the object {key} was removed while we wrote it")]
    VanishedObject {
        /// Its key.
        key: String,
    },
    /// The batch cannot be loaded in one transaction.
    #[error(transparent)]
    TooManyMonths(#[from] TooManyMonths),
    /// A sum outside DECIMAL(38,9).
    #[error(transparent)]
    Totals(#[from] TotalsOverflow),
    /// The manifest of a batch.
    #[error("the manifest could not be written or read")]
    Manifest(#[from] ManifestError),
    /// The load manifest of a batch.
    #[error("the load manifest could not be written")]
    Json(#[source] serde_json::Error),
    /// The Parquet writer.
    #[error("a file could not be encoded")]
    Parquet(#[from] ParquetError),
    /// A thread of ours ended early, which only a shutdown or a panic does.
    #[error("sorting or encoding was interrupted")]
    Task(#[from] tokio::task::JoinError),
    /// A step that the state does not allow.
    #[error(transparent)]
    State(#[from] InvalidDeliveryState),
    /// The ledger contradicts itself.
    #[error("the ledger is inconsistent: {0}")]
    Inconsistent(&'static str),
}

impl PassError {
    /// True when another worker has taken over, which is how it should be.
    #[must_use]
    pub fn is_taken_over(&self) -> bool {
        matches!(self, Self::Store(StoreError::Stale))
    }

    /// True when waiting does not help and somebody must look.
    #[must_use]
    pub fn needs_operator(&self) -> bool {
        match self {
            Self::WatermarkWentBack(_)
            | Self::LedgerBehind { .. }
            | Self::ForeignObject { .. }
            | Self::TooManyMonths(_)
            | Self::Totals(_)
            | Self::Manifest(_)
            | Self::State(_)
            | Self::Inconsistent(_) => true,
            Self::Store(_)
            | Self::Aws(_)
            | Self::Warehouse(_)
            | Self::VanishedObject { .. }
            | Self::Json(_)
            | Self::Parquet(_)
            | Self::Task(_) => false,
        }
    }
}
