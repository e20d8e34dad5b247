-- Why: whether what somebody wants fits into a connected account, before anything is promised. One row per connection:
-- the last wish and what it came to. The wish stays when a check fails, so that nothing is typed twice.
--
-- Written by onboarding; due_at is on this database's clock, and moves on while a worker looks.

create table preflight (
  tenant_id uuid not null,
  connection_id uuid not null,
  wish jsonb not null,
  asked_at timestamptz not null,
  checks jsonb,
  checked_at timestamptz,
  due_at timestamptz,
  fence bigint not null default 0,
  primary key (tenant_id, connection_id),
  foreign key (tenant_id, connection_id) references connection (tenant_id, connection_id)
);
create index preflight_due on preflight (due_at) where due_at is not null;
alter table preflight enable row level security, force row level security;
create policy tenant_rows on preflight to app_rw
  using (tenant_id = current_setting('app.tenant_id')::uuid)
  with check (tenant_id = current_setting('app.tenant_id')::uuid);
create policy all_rows on preflight to ops using (true) with check (true);
grant select, insert, update on preflight to app_rw, ops;
