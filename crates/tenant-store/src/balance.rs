//! The books: every event received is accepted, duplicate, conflict, rejected or in quarantine. Written by
//! usage-metering in the booking transaction; a row that does not balance violates a constraint.

use chrono::NaiveDate;
use tenant_model::TenantId;

use crate::{Conn, StoreError};

/// Numbers of events of one tenant that arrived on one day.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Balance {
    /// All that came in.
    pub received: i64,
    /// Counted.
    pub accepted: i64,
    /// Came again.
    pub duplicate: i64,
    /// Came again with another payload; kept aside.
    pub conflict: i64,
    /// Refused at the door.
    pub rejected: i64,
    /// Kept aside with a reason.
    pub quarantined: i64,
}

/// One line of the books.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BalanceLine {
    /// Whose events.
    pub tenant_id: TenantId,
    /// The day they arrived.
    pub day: NaiveDate,
    /// How many.
    pub balance: Balance,
}

impl Balance {
    /// What is unexplained; anything but zero is a defect.
    #[must_use]
    pub fn difference(&self) -> i64 {
        self.received - self.accepted - self.duplicate - self.conflict - self.rejected - self.quarantined
    }

    /// Adds another day or tenant.
    pub fn add(&mut self, other: &Self) {
        self.received += other.received;
        self.accepted += other.accepted;
        self.duplicate += other.duplicate;
        self.conflict += other.conflict;
        self.rejected += other.rejected;
        self.quarantined += other.quarantined;
    }
}

/// Adds a batch's numbers. Lines must be sorted by tenant and day.
///
/// # Errors
/// The constraint `usage_balance_balances` when the numbers do not add up.
pub async fn add(conn: &mut Conn, slot: i16, lines: &[BalanceLine]) -> Result<(), StoreError> {
    let tenants: Vec<_> = lines.iter().map(|line| line.tenant_id.as_uuid()).collect();
    let days: Vec<_> = lines.iter().map(|line| line.day).collect();
    let column = |number: fn(&Balance) -> i64| -> Vec<i64> {
        lines.iter().map(|line| number(&line.balance)).collect()
    };
    sqlx::query!(
        "insert into usage_balance as b (tenant_id, day, slot, received, accepted, duplicate, conflict, rejected,
                                         quarantined)
         select d.tenant_id, d.day, $9, d.received, d.accepted, d.duplicate, d.conflict, d.rejected, d.quarantined
           from unnest($1::uuid[], $2::date[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[],
                       $7::bigint[], $8::bigint[])
             as d(tenant_id, day, received, accepted, duplicate, conflict, rejected, quarantined)
         on conflict (tenant_id, day, slot) do update
            set received = b.received + excluded.received, accepted = b.accepted + excluded.accepted,
                duplicate = b.duplicate + excluded.duplicate, conflict = b.conflict + excluded.conflict,
                rejected = b.rejected + excluded.rejected, quarantined = b.quarantined + excluded.quarantined",
        &tenants,
        &days,
        &column(|balance| balance.received),
        &column(|balance| balance.accepted),
        &column(|balance| balance.duplicate),
        &column(|balance| balance.conflict),
        &column(|balance| balance.rejected),
        &column(|balance| balance.quarantined),
        slot,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The books of one tenant or (role `ops`) of all, for days `[from, to)`, at most `limit` lines.
///
/// # Errors
/// When the database does not answer.
pub async fn list(
    conn: &mut Conn,
    tenant_id: Option<TenantId>,
    (from, to): (NaiveDate, NaiveDate),
    limit: i64,
) -> Result<Vec<BalanceLine>, StoreError> {
    let rows = sqlx::query!(
        r#"select tenant_id, day, sum(received)::bigint as "received!", sum(accepted)::bigint as "accepted!",
                  sum(duplicate)::bigint as "duplicate!", sum(conflict)::bigint as "conflict!",
                  sum(rejected)::bigint as "rejected!", sum(quarantined)::bigint as "quarantined!"
             from usage_balance
            where ($1::uuid is null or tenant_id = $1) and day >= $2 and day < $3
            group by tenant_id, day order by day, tenant_id limit $4"#,
        tenant_id.map(|id| id.as_uuid()),
        from,
        to,
        limit,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| BalanceLine {
            tenant_id: TenantId::from_uuid(row.tenant_id),
            day: row.day,
            balance: Balance {
                received: row.received,
                accepted: row.accepted,
                duplicate: row.duplicate,
                conflict: row.conflict,
                rejected: row.rejected,
                quarantined: row.quarantined,
            },
        })
        .collect())
}
