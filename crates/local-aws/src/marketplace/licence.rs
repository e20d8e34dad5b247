//! Licences: what products since 2026-06 are metered by, in place of a product code and a customer identifier.
//!
//! Source: API_UsageRecord ("LicenseArn"), `InvalidLicenseException`.

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

/// How long usage can be reported after the end of a licence (verify on AWS).
const AFTER_END: TimeDelta = TimeDelta::hours(1);

/// A product granted to an account for a time.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Licence {
    product: String,
    account: String,
    from: DateTime<Utc>,
    until: Option<DateTime<Utc>>,
}

impl Licence {
    pub(super) fn granted(product: &str, account: &str, now: DateTime<Utc>) -> Self {
        Self {
            product: product.to_owned(),
            account: account.to_owned(),
            from: now,
            until: None,
        }
    }

    pub(super) fn end(&mut self, now: DateTime<Utc>) {
        self.until.get_or_insert(now);
    }

    pub(super) fn product(&self) -> &str {
        &self.product
    }

    /// Whether usage of the customer in the hour that begins at `used_at` can be reported now.
    pub(super) fn covers(&self, customer: &str, used_at: DateTime<Utc>, now: DateTime<Utc>) -> bool {
        let begun = used_at + TimeDelta::hours(1) > self.from;
        let not_over = self
            .until
            .is_none_or(|until| used_at < until && now < until + AFTER_END);
        self.account == customer && begun && not_over
    }
}
