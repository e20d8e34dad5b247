//! Quarantine: what could not be counted, with the reason. Written by usage-metering in the booking
//! transaction, so that a bad record moves the checkpoint like a good one.

use chrono::{DateTime, Utc};
use tenant_model::TenantId;
use tenant_model::usage::{EventKey, StreamPosition};
use uuid::Uuid;

use crate::{Conn, StoreError};

/// Longest raw record kept; Kinesis's own limit.
const RAW_BYTES_MAX: usize = 1024 * 1024;

/// Why something is kept aside.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum QuarantineReason {
    /// Not a block of ours, or a damaged one.
    Undecodable,
    /// A block whose checksum is wrong.
    Crc,
    /// A key booked with another payload.
    Conflict,
    /// No meter counts events of this type yet.
    UnknownMeter,
    /// The event names another tenant than its credential.
    TenantMismatch,
    /// Time or quantity outside what is counted.
    Bounds,
    /// The tenant is suspended, gone or unknown.
    TenantState,
}

/// One thing kept aside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quarantined {
    /// Its id.
    pub id: Uuid,
    /// Whose; none when the record could not be read.
    pub tenant_id: Option<TenantId>,
    /// Why.
    pub reason: QuarantineReason,
    /// More of why, for people.
    pub detail: String,
    /// The bytes as they came.
    pub raw: Vec<u8>,
    /// The event's key, when there is an event.
    pub key: Option<EventKey>,
    /// The shard it came by.
    pub shard_id: String,
    /// The record's place there.
    pub position: StreamPosition,
    /// Which event of the record; -1 for the record as a whole.
    pub item: i32,
    /// When it was kept aside.
    pub first_seen: DateTime<Utc>,
}

impl QuarantineReason {
    /// All reasons.
    pub const ALL: [Self; 7] = [
        Self::Undecodable,
        Self::Crc,
        Self::Conflict,
        Self::UnknownMeter,
        Self::TenantMismatch,
        Self::Bounds,
        Self::TenantState,
    ];

    /// The name on the wire and in the database.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Undecodable => "undecodable",
            Self::Crc => "crc",
            Self::Conflict => "conflict",
            Self::UnknownMeter => "unknown_meter",
            Self::TenantMismatch => "tenant_mismatch",
            Self::Bounds => "bounds",
            Self::TenantState => "tenant_state",
        }
    }

    fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.as_str() == name)
    }
}

/// Keeps things aside; what is kept already stays as it is.
///
/// # Errors
/// When the database does not answer.
pub async fn insert_many(conn: &mut Conn, stream: &str, things: &[Quarantined]) -> Result<(), StoreError> {
    let column = |part: fn(&Quarantined) -> String| -> Vec<String> { things.iter().map(part).collect() };
    let tenants: Vec<_> = things
        .iter()
        .map(|thing| thing.tenant_id.map(|id| id.as_uuid()))
        .collect();
    let raws: Vec<_> = things
        .iter()
        .map(|thing| thing.raw[..thing.raw.len().min(RAW_BYTES_MAX)].to_vec())
        .collect();
    let keys: Vec<_> = things
        .iter()
        .map(|thing| thing.key.map(EventKey::as_uuid))
        .collect();
    sqlx::query!(
        "insert into usage_quarantine (quarantine_id, tenant_id, reason, detail, raw, event_key, stream, shard_id,
                                       position, item, first_seen)
         select q.id, q.tenant_id, q.reason, q.detail, q.raw, q.key, $1, q.shard_id, q.position::numeric, q.item,
                q.seen
           from unnest($2::uuid[], $3::uuid[], $4::text[], $5::text[], $6::bytea[], $7::uuid[], $8::text[],
                       $9::text[], $10::int[], $11::timestamptz[])
             as q(id, tenant_id, reason, detail, raw, key, shard_id, position, item, seen)
         on conflict do nothing",
        stream,
        &things.iter().map(|thing| thing.id).collect::<Vec<_>>(),
        &tenants as _,
        &column(|thing| thing.reason.as_str().to_owned()),
        &column(|thing| thing.detail.clone()),
        &raws,
        &keys as _,
        &column(|thing| thing.shard_id.clone()),
        &column(|thing| thing.position.to_string()),
        &things.iter().map(|thing| thing.item).collect::<Vec<_>>(),
        &things.iter().map(|thing| thing.first_seen).collect::<Vec<_>>(),
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The newest first, of one tenant or (role `ops`) of all, older than `before`, at most `limit`.
///
/// # Errors
/// When the database does not answer.
pub async fn list(
    conn: &mut Conn,
    tenant_id: Option<TenantId>,
    before: Option<Uuid>,
    limit: i64,
) -> Result<Vec<Quarantined>, StoreError> {
    let rows = sqlx::query_as!(
        Row,
        r#"select quarantine_id, tenant_id, reason, detail, raw, event_key, shard_id,
                  position::text as "position!", item, first_seen
             from usage_quarantine
            where ($1::uuid is null or tenant_id = $1) and ($2::uuid is null or quarantine_id < $2)
            order by quarantine_id desc limit $3"#,
        tenant_id.map(|id| id.as_uuid()),
        before,
        limit,
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter().map(Quarantined::try_from).collect()
}

/// What is kept aside under an event's key, the newest first, at most twenty.
///
/// # Errors
/// When the database does not answer.
pub async fn list_of_key(
    conn: &mut Conn,
    tenant_id: TenantId,
    key: EventKey,
) -> Result<Vec<Quarantined>, StoreError> {
    let rows = sqlx::query_as!(
        Row,
        r#"select quarantine_id, tenant_id, reason, detail, raw, event_key, shard_id,
                  position::text as "position!", item, first_seen
             from usage_quarantine where tenant_id = $1 and event_key = $2
            order by quarantine_id desc limit 20"#,
        tenant_id.as_uuid(),
        key.as_uuid(),
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter().map(Quarantined::try_from).collect()
}

struct Row {
    quarantine_id: Uuid,
    tenant_id: Option<Uuid>,
    reason: String,
    detail: String,
    raw: Vec<u8>,
    event_key: Option<Uuid>,
    shard_id: String,
    position: String,
    item: i32,
    first_seen: DateTime<Utc>,
}

impl TryFrom<Row> for Quarantined {
    type Error = StoreError;

    fn try_from(row: Row) -> Result<Self, Self::Error> {
        let reason = QuarantineReason::from_name(&row.reason)
            .ok_or_else(|| StoreError::unreadable("unknown quarantine reason"))?;
        Ok(Self {
            id: row.quarantine_id,
            tenant_id: row.tenant_id.map(TenantId::from_uuid),
            reason,
            detail: row.detail,
            raw: row.raw,
            key: row.event_key.map(EventKey::from_uuid),
            shard_id: row.shard_id,
            position: row.position.parse().map_err(StoreError::unreadable)?,
            item: row.item,
            first_seen: row.first_seen,
        })
    }
}
