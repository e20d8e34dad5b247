-- Why: a usage event counts once, however often the stream delivers it. Deduplication, the numbers and the
-- stream position are therefore tables of one database, changed in one transaction (docs/metering.md).
--
-- Tables of one row per event or block have no foreign key to tenant: booking reads the states of a batch's
-- tenants once instead of checking a key per row, and what names an unknown tenant goes to quarantine.

-- Meters are the operator's: all tenants are measured alike. A definition does not change.
create table meter (
  meter_id uuid primary key,
  key text not null constraint meter_key_taken unique,
  name text not null,
  event_type text not null constraint meter_event_type_taken unique,
  aggregation text not null check (aggregation in ('sum', 'count', 'min', 'max')),
  value_pointer text,
  unit text not null,
  dimensions jsonb not null,
  created_at timestamptz not null,
  check (aggregation = 'count' or value_pointer is not null)
);
grant select on meter to app_rw;
grant select, insert on meter to ops;
insert into meter (meter_id, key, name, event_type, aggregation, value_pointer, unit, dimensions, created_at) values
  ('01900000-0000-7000-8000-000000000001', 'rows_scanned', 'Rows scanned', 'rows_scanned', 'sum', '/data/value',
   'row', '[{"name":"warehouse","pointer":"/data/warehouse"}]', '2026-01-01T00:00:00Z'),
  ('01900000-0000-7000-8000-000000000002', 'queries_run', 'Queries run', 'queries_run', 'count', null,
   'query', '[{"name":"warehouse","pointer":"/data/warehouse"}]', '2026-01-01T00:00:00Z'),
  ('01900000-0000-7000-8000-000000000003', 'compute_seconds', 'Compute time', 'compute_seconds', 'sum', '/data/value',
   'second', '[{"name":"warehouse","pointer":"/data/warehouse"}]', '2026-01-01T00:00:00Z'),
  ('01900000-0000-7000-8000-000000000004', 'gb_stored', 'Storage in use', 'gb_stored', 'max', '/data/value',
   'GB', '[]', '2026-01-01T00:00:00Z');

-- One row per Kinesis shard: who reads it, how far it is booked. The fence grows at each take-over, so that
-- a worker that lost its lease can change nothing. The slot keeps two shards from waiting for one rollup row.
create table stream_shard (
  stream text not null,
  shard_id text not null,
  parents text[] not null,
  state text not null check (state in ('waiting', 'open', 'closed')),
  owner text,
  fence bigint not null default 0,
  lease_until timestamptz,
  wanted_by text,
  checkpoint numeric,
  booked_until timestamptz,
  redelivered bigint not null default 0,
  slot smallint not null,
  primary key (stream, shard_id)
);
create sequence stream_shard_slot as smallint cycle;
grant select on stream_shard to app_rw;
grant select, insert, update on stream_shard to ops;
grant usage on sequence stream_shard_slot to ops;

-- Blocks already booked: a put that was repeated or a shard read again changes nothing, the balance included.
create table booked_block (
  block_id uuid primary key,
  booked_on date not null
);
create index booked_block_by_day on booked_block (booked_on);
grant select, insert, delete on booked_block to ops;

-- Event keys, by the day they arrived and never by the day they tell. The open day turns under an exclusive
-- advisory lock, so that two shards cannot book one key on two days.
create table dedupe_day (
  day date primary key,
  open boolean not null
);
create unique index dedupe_day_open on dedupe_day (open) where open;
grant select on dedupe_day to ops;

create table dedupe_key (
  day date not null,
  key uuid not null,
  payload integer not null,
  primary key (key, day)
) partition by range (day);
grant select, insert on dedupe_key to ops;

-- Opens the day for keys and drops the days no accepted event can reach any more: 35 days of event time, one
-- of stream retention, one for the turn. Runs as the owner because partitions are tables; it takes nothing
-- but a date, and ops alone may call it.
create function open_dedupe_day(today date) returns void
language plpgsql security definer set search_path = public, pg_temp as $$
declare
  old date;
begin
  if exists (select from dedupe_day where open and day >= today) then
    return;
  end if;
  execute format('create table %I partition of dedupe_key for values from (%L) to (%L)',
                 'dedupe_key_' || to_char(today, 'YYYYMMDD'), today, today + 1);
  update dedupe_day set open = false where open;
  insert into dedupe_day (day, open) values (today, true);
  for old in delete from dedupe_day where day < today - 37 returning day loop
    execute format('drop table if exists %I', 'dedupe_key_' || to_char(old, 'YYYYMMDD'));
  end loop;
end $$;
revoke all on function open_dedupe_day(date) from public;
grant execute on function open_dedupe_day(date) to ops;

-- Accepted events, for export, for drill-down and for "why was this counted". booked_in lets export cut
-- windows by commit order instead of by a sequence that commits out of order.
create table usage_event (
  tenant_id uuid not null,
  event_key uuid not null,
  event_id text not null,
  source text not null,
  type text not null,
  subject text,
  meter_id uuid not null references meter,
  meter text not null,
  event_time timestamptz not null,
  ingested_at timestamptz not null,
  quantity numeric(38, 9) not null check (quantity >= 0),
  dimensions jsonb not null,
  booked_in xid8 not null default pg_current_xact_id()
);
create index usage_event_by_key on usage_event (tenant_id, event_key);
create index usage_event_by_commit on usage_event (booked_in);
alter table usage_event enable row level security, force row level security;
create policy tenant_rows on usage_event to app_rw
  using (tenant_id = current_setting('app.tenant_id')::uuid)
  with check (tenant_id = current_setting('app.tenant_id')::uuid);
create policy all_rows on usage_event to ops using (true) with check (true);
grant select on usage_event to app_rw;
grant select, insert, delete on usage_event to ops;

-- What a window holds. All four aggregates are kept: they merge, so order and batching never matter.
create table usage_rollup (
  tenant_id uuid not null,
  meter_id uuid not null references meter,
  granularity text not null check (granularity in ('minute', 'hour', 'day')),
  window_start timestamptz not null,
  dimensions_key uuid not null,
  slot smallint not null,
  dimensions jsonb not null,
  count bigint not null,
  sum numeric(38, 9) not null,
  min numeric(38, 9) not null,
  max numeric(38, 9) not null,
  primary key (tenant_id, meter_id, granularity, window_start, dimensions_key, slot)
) with (fillfactor = 70);
create index usage_rollup_of_fleet on usage_rollup (meter_id, granularity, window_start);
alter table usage_rollup enable row level security, force row level security;
create policy tenant_rows on usage_rollup to app_rw
  using (tenant_id = current_setting('app.tenant_id')::uuid)
  with check (tenant_id = current_setting('app.tenant_id')::uuid);
create policy all_rows on usage_rollup to ops using (true) with check (true);
grant select on usage_rollup to app_rw;
grant select, insert, update, delete on usage_rollup to ops;

-- The books, by the day of arrival. They balance or somebody is called.
create table usage_balance (
  tenant_id uuid not null,
  day date not null,
  slot smallint not null,
  received bigint not null,
  accepted bigint not null,
  duplicate bigint not null,
  conflict bigint not null,
  rejected bigint not null,
  quarantined bigint not null,
  primary key (tenant_id, day, slot),
  constraint usage_balance_balances
    check (received = accepted + duplicate + conflict + rejected + quarantined)
) with (fillfactor = 70);
create index usage_balance_of_fleet on usage_balance (day);
alter table usage_balance enable row level security, force row level security;
create policy tenant_rows on usage_balance to app_rw
  using (tenant_id = current_setting('app.tenant_id')::uuid)
  with check (tenant_id = current_setting('app.tenant_id')::uuid);
create policy all_rows on usage_balance to ops using (true) with check (true);
grant select on usage_balance to app_rw;
grant select, insert, update on usage_balance to ops;

-- What could not be counted, kept with the reason. It never blocks a shard. A record that cannot be read
-- has no tenant; only operators see it.
create table usage_quarantine (
  quarantine_id uuid primary key,
  tenant_id uuid,
  reason text not null check (reason in
    ('undecodable', 'crc', 'conflict', 'unknown_meter', 'tenant_mismatch', 'bounds', 'tenant_state')),
  detail text not null,
  raw bytea not null check (octet_length(raw) <= 1048576),
  event_key uuid,
  stream text not null,
  shard_id text not null,
  position numeric not null,
  item integer not null,
  first_seen timestamptz not null,
  constraint usage_quarantine_once unique (stream, shard_id, position, item)
);
create index usage_quarantine_by_tenant on usage_quarantine (tenant_id, quarantine_id);
create index usage_quarantine_by_key on usage_quarantine (tenant_id, event_key);
alter table usage_quarantine enable row level security, force row level security;
create policy tenant_rows on usage_quarantine to app_rw
  using (tenant_id = current_setting('app.tenant_id')::uuid)
  with check (tenant_id = current_setting('app.tenant_id')::uuid);
create policy all_rows on usage_quarantine to ops using (true) with check (true);
grant select on usage_quarantine to app_rw;
grant select, insert on usage_quarantine to ops;
