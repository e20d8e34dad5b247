-- The export ledger: which bookings have left for the bucket and the warehouse, and how far each batch is.
--
-- A row of export_batch fixes its input, the half-open range [lo, hi) of booking positions, before anything
-- is written; the exclusion constraint makes an overlap impossible, and planning under a lock on the dataset's
-- row makes a hole impossible. Everything written by analytics-export only, as the role ops: a batch mixes
-- tenants, so no row here belongs to one and app_rw has no right to any of it.

-- A trusted extension: the owner of the database may create it, no superuser is needed.
create extension if not exists btree_gist;

create table export_dataset (
  id uuid primary key,
  name text not null unique,
  schema_id int not null,
  -- Raised by an operator when positions begin again (restore from a dump, logical upgrade).
  source_epoch int not null default 1 check (source_epoch > 0),
  -- One worker at a time; `fence` grows with each taking of the lease and stands in every write.
  fence bigint not null default 0,
  lease_owner text,
  lease_until timestamptz,
  -- An operator asked for everything booked before this position without waiting for the next cut.
  close_through bigint,
  last_cut_at timestamptz,
  created_at timestamptz not null
);

create table export_batch (
  id uuid primary key,
  -- UUIDv5 of (dataset, source_epoch, lo, hi, revision): in files, keys and warehouse rows. It is derived, so a
  -- rebuilt ledger meets the same objects.
  batch_key uuid not null unique,
  dataset_id uuid not null references export_dataset,
  source_epoch int not null,
  lo bigint not null check (lo >= 0),
  hi bigint not null,
  revision int not null default 0 check (revision >= 0),
  schema_id int not null,
  state text not null check (state in ('planned', 'written', 'committed')),
  rows bigint,
  -- {"meter": {"rows": 2, "quantity": "1.500000000"}}, as written into the files.
  sum_by_meter jsonb,
  manifest_key text,
  manifest_sha256 bytea check (length(manifest_sha256) = 32),
  previous_sha256 bytea check (length(previous_sha256) = 32),
  -- Fence of the worker that wrote the row last.
  fence bigint not null,
  created_at timestamptz not null,
  committed_at timestamptz,
  check (lo < hi),
  check ((state = 'planned') = (rows is null)),
  check ((state = 'planned') = (sum_by_meter is null)),
  check ((state = 'committed') = (manifest_sha256 is not null)),
  check ((state = 'committed') = (manifest_key is not null)),
  check ((state = 'committed') = (committed_at is not null)),
  unique (dataset_id, source_epoch, lo, revision),
  exclude using gist (dataset_id with =, source_epoch with =, int8range(lo, hi) with &&) where (revision = 0)
);

create index export_batch_unfinished on export_batch (dataset_id, lo) where state <> 'committed';

create table export_file (
  batch_id uuid not null references export_batch,
  key text not null,
  bytes bigint not null check (bytes > 0),
  rows bigint not null check (rows > 0),
  sha256 bytea not null check (length(sha256) = 32),
  tenant_bucket smallint not null,
  day date not null,
  min_event_time timestamptz not null,
  max_event_time timestamptz not null,
  primary key (batch_id, key)
);

-- Where a warehouse is reached is configuration; the row is its identity, its lease and its deliveries.
create table export_destination (
  id uuid primary key,
  name text not null unique,
  kind text not null check (kind in ('redshift')),
  fence bigint not null default 0,
  lease_owner text,
  lease_until timestamptz,
  created_at timestamptz not null
);

create table export_delivery (
  id uuid primary key,
  destination_id uuid not null references export_destination,
  batch_id uuid not null references export_batch,
  state text not null check (state in ('pending', 'submitting', 'submitted', 'unknown', 'finished', 'verified',
                                       'superseded', 'failed')),
  attempt int not null default 0,
  -- Both stored before the call, the statement's id right after it.
  client_token text,
  statement_id text,
  submitted_at timestamptz,
  -- When the next step is due; null when there is none.
  due_at timestamptz,
  error text,
  -- What the three places hold, once somebody has looked: {"meter": {"rows", "quantity"}}.
  source_totals jsonb,
  stored_totals jsonb,
  warehouse_totals jsonb,
  fence bigint not null default 0,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  check ((due_at is null) = (state in ('verified', 'superseded', 'failed'))),
  unique (destination_id, batch_id)
);

create index export_delivery_due on export_delivery (destination_id, due_at) where due_at is not null;
create index export_delivery_batch on export_delivery (batch_id);

-- The monthly tables a warehouse is known to have. DDL runs ahead of the loads and is repeatable, so a lost
-- row costs one more CREATE TABLE IF NOT EXISTS.
create table export_warehouse_month (
  destination_id uuid not null references export_destination,
  month date not null check (extract(day from month) = 1),
  ensured_at timestamptz not null,
  primary key (destination_id, month)
);

grant select, insert, update on export_dataset, export_batch, export_destination, export_delivery to ops;
-- Written with the batch's step to `written` and never changed.
grant select, insert on export_file, export_warehouse_month to ops;
