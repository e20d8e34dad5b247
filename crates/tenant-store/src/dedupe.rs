//! Event keys and block ids already booked: what makes an event count once. Role `ops`.
//!
//! Keys are partitioned by the day they arrived, never by the day they tell: a retry may carry another time.
//! The lookup covers all live days. The unique key guards one day; the turn of the day is guarded by an
//! advisory lock that bookings share and [`open_day`] takes alone.

use std::collections::{HashMap, HashSet};

use chrono::NaiveDate;
use tenant_model::usage::EventKey;
use uuid::Uuid;

use crate::{Conn, StoreError};

/// Names the turn of the dedupe day among all advisory locks.
const DAY_LOCK: i64 = 0x7461_6c6c_7964_6179;
/// Blocks return within a stream's retention, a day; one more for the turn, one for a slow operator.
const BLOCK_DAYS_KEPT: i32 = 3;

/// Makes `today` the open day unless it is, or a later one is. Waits for bookings in flight.
///
/// # Errors
/// When the database does not answer, or bookings do not end within the lock timeout.
pub async fn open_day(conn: &mut Conn, today: NaiveDate) -> Result<(), StoreError> {
    // Asked without the lock first: most workers find the day open and need not wait for bookings.
    let open = sqlx::query_scalar!(
        r#"select exists (select from dedupe_day where open and day >= $1) as "open!""#,
        today
    )
    .fetch_one(&mut *conn)
    .await?;
    if open {
        return Ok(());
    }
    sqlx::query!("select pg_advisory_xact_lock($1)", DAY_LOCK)
        .execute(&mut *conn)
        .await?;
    sqlx::query!("select open_dedupe_day($1)", today)
        .execute(&mut *conn)
        .await?;
    sqlx::query!(
        "delete from booked_block where booked_on < $1::date - $2::int",
        today,
        BLOCK_DAYS_KEPT
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Holds the open day still until the transaction ends, and names it. First statement of a booking.
///
/// # Errors
/// When the database does not answer.
pub async fn hold_day(conn: &mut Conn) -> Result<Option<NaiveDate>, StoreError> {
    sqlx::query!("select pg_advisory_xact_lock_shared($1)", DAY_LOCK)
        .execute(&mut *conn)
        .await?;
    // Every lookup of a booking is by key. A plan made from statistics older than the table would scan it.
    sqlx::query!(
        "select set_config('enable_seqscan', 'off', true) as scan, set_config('enable_hashjoin', 'off', true) as hash,
                set_config('enable_mergejoin', 'off', true) as merge"
    )
    .fetch_one(&mut *conn)
    .await?;
    let day = sqlx::query_scalar!("select day from dedupe_day where open")
        .fetch_optional(conn)
        .await?;
    Ok(day)
}

/// Books the ids of whole blocks; gives back those not booked before.
///
/// # Errors
/// When the database does not answer.
pub async fn claim_blocks(
    conn: &mut Conn,
    day: NaiveDate,
    blocks: &[Uuid],
) -> Result<HashSet<Uuid>, StoreError> {
    let new = sqlx::query_scalar!(
        "insert into booked_block (block_id, booked_on)
         select id, $1 from unnest($2::uuid[]) block(id) order by id
         on conflict do nothing returning block_id",
        day,
        blocks,
    )
    .fetch_all(conn)
    .await?;
    Ok(new.into_iter().collect())
}

/// Books the keys not booked on any live day; gives these back. Keys must be distinct.
///
/// # Errors
/// When the database does not answer.
pub async fn claim_keys(
    conn: &mut Conn,
    day: NaiveDate,
    keys: &[(EventKey, i32)],
) -> Result<HashSet<EventKey>, StoreError> {
    let (ids, payloads): (Vec<Uuid>, Vec<i32>) = keys
        .iter()
        .map(|(key, payload)| (key.as_uuid(), *payload))
        .unzip();
    let new = sqlx::query_scalar!(
        "insert into dedupe_key (day, key, payload)
         select $1, c.key, c.payload from unnest($2::uuid[], $3::int[]) c(key, payload)
          where not exists (select from dedupe_key d where d.key = c.key) order by c.key
         on conflict do nothing returning key",
        day,
        &ids,
        &payloads,
    )
    .fetch_all(conn)
    .await?;
    Ok(new.into_iter().map(EventKey::from_uuid).collect())
}

/// The payload hashes booked under these keys.
///
/// # Errors
/// When the database does not answer.
pub async fn find_payloads(conn: &mut Conn, keys: &[EventKey]) -> Result<HashMap<EventKey, i32>, StoreError> {
    let ids: Vec<Uuid> = keys.iter().map(|key| key.as_uuid()).collect();
    let rows = sqlx::query!(
        "select d.key, d.payload from unnest($1::uuid[]) c(key) join dedupe_key d on d.key = c.key",
        &ids,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| (EventKey::from_uuid(row.key), row.payload))
        .collect())
}
