//! What exists.

use crate::tags::Tags;

use serde::{Deserialize, Serialize};

/// One live resource of any service.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct InventoryItem {
    /// The owning account's twelve digits.
    pub account: String,
    /// The region, or `global`.
    pub region: String,
    /// Service and kind, such as `ec2:vpc` or `kinesis:stream`.
    pub kind: String,
    /// The id or ARN that the service's API takes.
    pub id: String,
    /// The resource's tags.
    pub tags: Tags,
    /// ARN of the principal that created it; empty for what the account came with.
    pub created_by: String,
}
