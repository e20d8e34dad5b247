//! Who reads which shard, and how far it is booked. Written by usage-metering, role `ops`.
//!
//! A lease is timed by the database's clock only. The fence grows whenever a shard changes hands, and every
//! write names the fence it was given, so a worker that slept through its lease changes nothing.

use chrono::{DateTime, Utc};
use tenant_model::usage::StreamPosition;

use crate::{Conn, StoreError};

/// A worker's right to book one shard.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShardLease {
    /// The stream's name.
    pub stream: String,
    /// The shard.
    pub shard_id: String,
    /// Whose right it is.
    pub owner: String,
    /// Which turn of ownership this is.
    pub fence: i64,
    /// The last record booked; none before the first.
    pub checkpoint: Option<StreamPosition>,
    /// What arrived before this moment is booked.
    pub booked_until: Option<DateTime<Utc>>,
    /// Which rollup rows are this shard's own.
    pub slot: i16,
    /// Another worker asks for the shard.
    pub wanted: bool,
}

/// A shard as Kinesis lists it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedShard {
    /// The shard.
    pub shard_id: String,
    /// One parent after a split, two after a merge, none at first.
    pub parents: Vec<String>,
}

/// How far a batch moves its shard.
#[derive(Clone, Debug)]
pub struct Advance<'a> {
    /// The last record of the batch; none when the shard ended without another record.
    pub checkpoint: Option<&'a StreamPosition>,
    /// What arrived before this moment is booked with this batch.
    pub booked_until: Option<DateTime<Utc>>,
    /// Whether the shard has ended.
    pub closed: bool,
}

/// How a stream stands: for operators and alarms.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StreamStatus {
    /// What arrived before this moment is booked or in quarantine; none while a shard was never read.
    pub watermark: Option<DateTime<Utc>>,
    /// Shards that are read.
    pub open: i64,
    /// Shards that wait for their parents.
    pub waiting: i64,
    /// Shards that nobody reads at this moment.
    pub unowned: i64,
    /// Records and blocks delivered again and recognised.
    pub redelivered: i64,
}

/// Writes down shards not seen before; each waits for its parents.
///
/// # Errors
/// When the database does not answer.
pub async fn insert_listed(conn: &mut Conn, stream: &str, shards: &[ListedShard]) -> Result<(), StoreError> {
    for shard in shards {
        sqlx::query!(
            "insert into stream_shard (stream, shard_id, parents, state, slot)
             select $1, $2, $3, 'waiting', nextval('stream_shard_slot')
              where not exists (select from stream_shard where stream = $1 and shard_id = $2)
             on conflict do nothing",
            stream,
            shard.shard_id,
            &shard.parents,
        )
        .execute(&mut *conn)
        .await?;
    }
    Ok(())
}

/// Opens the waiting shards whose every parent is closed, or is not in `listed` any more.
///
/// # Errors
/// When the database does not answer.
pub async fn open_ready(conn: &mut Conn, stream: &str, listed: &[String]) -> Result<u64, StoreError> {
    let opened = sqlx::query!(
        "update stream_shard s
            set state = 'open',
                booked_until = (select min(p.booked_until) from stream_shard p
                                 where p.stream = $1 and p.shard_id = any(s.parents))
          where s.stream = $1 and s.state = 'waiting'
            and not exists (
              select from unnest(s.parents) parent(id)
               where exists (select from stream_shard p
                              where p.stream = $1 and p.shard_id = parent.id and p.state <> 'closed')
                 and (parent.id = any($2) or exists (
                       select from stream_shard p
                        where p.stream = $1 and p.shard_id = parent.id and p.state = 'open')))",
        stream,
        listed,
    )
    .execute(conn)
    .await?;
    Ok(opened.rows_affected())
}

/// Prolongs every lease of `owner` and gives them back with what the database knows of them.
///
/// # Errors
/// When the database does not answer.
pub async fn renew(
    conn: &mut Conn,
    stream: &str,
    owner: &str,
    lease_ms: i64,
) -> Result<Vec<ShardLease>, StoreError> {
    let rows = sqlx::query_as!(
        LeaseRow,
        r#"update stream_shard
              set lease_until = clock_timestamp() + $3::bigint::float8 * interval '1 millisecond'
            where stream = $1 and owner = $2 and state = 'open'
            returning stream, shard_id, owner as "owner!", fence, checkpoint::text, booked_until, slot,
                      wanted_by is not null as "wanted!""#,
        stream,
        owner,
        lease_ms,
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter().map(ShardLease::try_from).collect()
}

/// Takes at most `limit` open shards that nobody holds, raising their fences.
///
/// # Errors
/// When the database does not answer.
pub async fn claim(
    conn: &mut Conn,
    stream: &str,
    owner: &str,
    (lease_ms, limit): (i64, i64),
) -> Result<Vec<ShardLease>, StoreError> {
    let rows = sqlx::query_as!(
        LeaseRow,
        r#"update stream_shard s
              set owner = $2, fence = s.fence + 1, wanted_by = null,
                  lease_until = clock_timestamp() + $3::bigint::float8 * interval '1 millisecond'
            -- An array, because a joined subquery may run more than once and then exceeds its limit.
            where s.stream = $1 and s.shard_id = any(array(
                    select shard_id from stream_shard
                     where stream = $1 and state = 'open'
                       and (lease_until is null or lease_until < clock_timestamp())
                     order by shard_id limit $4
                     for update skip locked))
            returning s.stream, s.shard_id, s.owner as "owner!", s.fence, s.checkpoint::text,
                      s.booked_until, s.slot, false as "wanted!""#,
        stream,
        owner,
        lease_ms,
        limit,
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter().map(ShardLease::try_from).collect()
}

/// How many shards one worker should hold: open shards divided by the workers that hold any and `owner`.
///
/// # Errors
/// When the database does not answer.
pub async fn fair_share(conn: &mut Conn, stream: &str, owner: &str) -> Result<i64, StoreError> {
    let share = sqlx::query_scalar!(
        r#"select ceil(count(*)::numeric
                  / greatest(1, 1 + count(distinct owner) filter (
                      where owner <> $2 and lease_until >= clock_timestamp())))::bigint as "share!"
             from stream_shard where stream = $1 and state = 'open'"#,
        stream,
        owner,
    )
    .fetch_one(conn)
    .await?;
    Ok(share)
}

/// Asks politely for one shard of the worker that holds the most, when that is more than `share`.
///
/// # Errors
/// When the database does not answer.
pub async fn ask_for_one(conn: &mut Conn, stream: &str, owner: &str, share: i64) -> Result<(), StoreError> {
    sqlx::query!(
        "update stream_shard s set wanted_by = $2
          where s.stream = $1 and s.shard_id = any(array(
                  select shard_id from stream_shard
                   where stream = $1 and state = 'open' and wanted_by is null
                     and owner = (select owner from stream_shard
                                   where stream = $1 and state = 'open' and owner <> $2
                                     and lease_until >= clock_timestamp()
                                   group by owner having count(*) > $3
                                   order by count(*) desc, owner limit 1)
                   order by shard_id limit 1
                   for update skip locked))
            and not exists (select from stream_shard where stream = $1 and wanted_by = $2)",
        stream,
        owner,
        share,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Hands a shard to the worker that asked for it. Called between batches, never within one.
///
/// # Errors
/// When the database does not answer.
pub async fn hand_over(conn: &mut Conn, lease: &ShardLease, lease_ms: i64) -> Result<(), StoreError> {
    sqlx::query!(
        "update stream_shard
            set owner = wanted_by, fence = fence + 1, wanted_by = null,
                lease_until = clock_timestamp() + $5::bigint::float8 * interval '1 millisecond'
          where stream = $1 and shard_id = $2 and owner = $3 and fence = $4 and wanted_by is not null",
        lease.stream,
        lease.shard_id,
        lease.owner,
        lease.fence,
        lease_ms,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Lets go of every shard of `owner`, so that another worker need not wait for the leases to end.
///
/// # Errors
/// When the database does not answer.
pub async fn release(conn: &mut Conn, stream: &str, owner: &str) -> Result<(), StoreError> {
    sqlx::query!(
        "update stream_shard set owner = null, lease_until = null, wanted_by = null
          where stream = $1 and owner = $2",
        stream,
        owner,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Moves the checkpoint when the lease and the old checkpoint are still the true ones. False: somebody else
/// holds the shard; roll back and forget the lease.
///
/// # Errors
/// When the database does not answer.
pub async fn advance(conn: &mut Conn, lease: &ShardLease, to: &Advance<'_>) -> Result<bool, StoreError> {
    let moved = sqlx::query!(
        "update stream_shard
            set checkpoint = coalesce($6::text::numeric, checkpoint),
                booked_until = greatest(booked_until, $7),
                state = case when $8 then 'closed' else 'open' end,
                owner = case when $8 then null else owner end,
                lease_until = case when $8 then null else lease_until end
          where stream = $1 and shard_id = $2 and owner = $3 and fence = $4 and state = 'open'
            and checkpoint is not distinct from $5::text::numeric",
        lease.stream,
        lease.shard_id,
        lease.owner,
        lease.fence,
        lease.checkpoint.as_ref().map(StreamPosition::as_str),
        to.checkpoint.map(StreamPosition::as_str),
        to.booked_until,
        to.closed,
    )
    .execute(conn)
    .await?;
    Ok(moved.rows_affected() == 1)
}

/// Adds what a batch recognised as booked before. Only after [`advance`] said yes.
///
/// # Errors
/// When the database does not answer.
pub async fn add_redelivered(conn: &mut Conn, lease: &ShardLease, number: i64) -> Result<(), StoreError> {
    sqlx::query!(
        "update stream_shard set redelivered = redelivered + $3 where stream = $1 and shard_id = $2",
        lease.stream,
        lease.shard_id,
        number,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Lets the children of a shard that ends take over how far it is booked, so that the watermark neither
/// jumps nor disappears while they wait.
///
/// # Errors
/// When the database does not answer.
pub async fn inherit(conn: &mut Conn, lease: &ShardLease) -> Result<(), StoreError> {
    sqlx::query!(
        "update stream_shard c set booked_until = least(c.booked_until, p.booked_until)
           from stream_shard p
          where p.stream = $1 and p.shard_id = $2 and c.stream = $1 and c.state = 'waiting'
            and $2 = any(c.parents)",
        lease.stream,
        lease.shard_id,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// How the stream stands.
///
/// # Errors
/// When the database does not answer.
pub async fn status(conn: &mut Conn, stream: &str) -> Result<StreamStatus, StoreError> {
    let status = sqlx::query_as!(
        StreamStatus,
        r#"select case when bool_and(booked_until is not null) filter (where state = 'open')
                       then min(booked_until) filter (where state <> 'closed') end as watermark,
                  count(*) filter (where state = 'open') as "open!",
                  count(*) filter (where state = 'waiting') as "waiting!",
                  count(*) filter (where state = 'open'
                                     and (lease_until is null or lease_until < clock_timestamp())) as "unowned!",
                  coalesce(sum(redelivered), 0)::bigint as "redelivered!"
             from stream_shard where stream = $1"#,
        stream,
    )
    .fetch_one(conn)
    .await?;
    Ok(status)
}

struct LeaseRow {
    stream: String,
    shard_id: String,
    owner: String,
    fence: i64,
    checkpoint: Option<String>,
    booked_until: Option<DateTime<Utc>>,
    slot: i16,
    wanted: bool,
}

impl TryFrom<LeaseRow> for ShardLease {
    type Error = StoreError;

    fn try_from(row: LeaseRow) -> Result<Self, Self::Error> {
        let checkpoint = row.checkpoint.map(|digits| digits.parse()).transpose();
        Ok(Self {
            stream: row.stream,
            shard_id: row.shard_id,
            owner: row.owner,
            fence: row.fence,
            checkpoint: checkpoint.map_err(StoreError::unreadable)?,
            booked_until: row.booked_until,
            slot: row.slot,
            wanted: row.wanted,
        })
    }
}
