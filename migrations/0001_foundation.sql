-- Why: what every service needs before it has tables of its own. Tenants, and three facts that are
-- written in the transaction of each change: the audit entry, the announcement, the stored reply.
--
-- Roles are made before the first migration (tenant-store's bootstrap): tenantry_owner owns the schema and
-- runs migrations, app_rw is bound by row-level security, ops sees all tenants and owns nothing.
-- The tenant of a transaction is set only by set_config('app.tenant_id', …, true); the strict form of
-- current_setting makes a forgotten setting an error instead of an empty answer.

revoke all on schema public from public;
grant usage on schema public to app_rw, ops;

create table tenant (
  tenant_id uuid primary key,
  name text not null check (length(name) between 1 and 200),
  state text not null check (state in ('active', 'suspended', 'offboarding', 'deleted')),
  version bigint not null default 1,
  created_at timestamptz not null,
  updated_at timestamptz not null
);
alter table tenant enable row level security, force row level security;
create policy tenant_rows on tenant to app_rw
  using (tenant_id = current_setting('app.tenant_id')::uuid)
  with check (tenant_id = current_setting('app.tenant_id')::uuid);
create policy all_rows on tenant to ops using (true) with check (true);
grant select, update on tenant to app_rw;
grant select, insert, update on tenant to ops;

-- One chain per tenant; the operator's own acts have no tenant. Nobody may change or remove an entry.
create table audit_entry (
  tenant_id uuid references tenant,
  sequence bigint not null check (sequence > 0),
  at timestamptz not null,
  actor text not null,
  action text not null,
  subject text not null,
  detail jsonb not null,
  hash bytea not null check (length(hash) = 32),
  unique nulls not distinct (tenant_id, sequence)
);
alter table audit_entry enable row level security, force row level security;
create policy tenant_rows on audit_entry to app_rw
  using (tenant_id = current_setting('app.tenant_id')::uuid)
  with check (tenant_id = current_setting('app.tenant_id')::uuid);
create policy all_rows on audit_entry to ops using (true) with check (true);
grant select, insert on audit_entry to app_rw, ops;

-- Announcements. published_in lets a reader stop before transactions that may still commit, so that a
-- cursor never skips one that commits late.
create table outbox_event (
  event_id uuid primary key,
  tenant_id uuid references tenant,
  kind text not null,
  data jsonb not null,
  at timestamptz not null,
  published_in xid8 not null default pg_current_xact_id()
);
create index outbox_event_by_tenant on outbox_event (tenant_id, published_in, event_id);
create index outbox_event_by_commit on outbox_event (published_in, event_id);
alter table outbox_event enable row level security, force row level security;
create policy tenant_rows on outbox_event to app_rw
  using (tenant_id = current_setting('app.tenant_id')::uuid)
  with check (tenant_id = current_setting('app.tenant_id')::uuid);
create policy all_rows on outbox_event to ops using (true) with check (true);
grant select, insert on outbox_event to app_rw;
grant select, insert, delete on outbox_event to ops;

-- The reply to a mutation, stored with its effect. The scope names tenant, principal, method and route.
create table idempotency_record (
  scope text not null,
  key text not null check (length(key) between 1 and 255),
  tenant_id uuid references tenant,
  request_hash bytea not null check (length(request_hash) = 32),
  status smallint not null,
  headers jsonb not null,
  body text not null,
  created_at timestamptz not null default now(),
  primary key (scope, key)
);
create index idempotency_record_by_age on idempotency_record (created_at);
alter table idempotency_record enable row level security, force row level security;
create policy tenant_rows on idempotency_record to app_rw
  using (tenant_id = current_setting('app.tenant_id')::uuid)
  with check (tenant_id = current_setting('app.tenant_id')::uuid);
create policy all_rows on idempotency_record to ops using (true) with check (true);
grant select, insert on idempotency_record to app_rw;
grant select, insert, delete on idempotency_record to ops;
