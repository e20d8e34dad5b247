-- Why: a customer wants to know what was done with its role and why, to compare that with its own log, and at the end a
-- document that says nothing is left.
--
-- ledger_entry is a chain per tenant like audit_entry: nobody may change or remove an entry. It is written by whoever
-- uses a customer's role: tenant-provisioning and onboarding. Everything else here is written by tenant-provisioning.

create table ledger_entry (
  tenant_id uuid not null references tenant,
  sequence bigint not null check (sequence > 0),
  at timestamptz not null,
  actor text not null,
  action text not null,
  subject text not null,
  detail jsonb not null,
  hash bytea not null check (length(hash) = 32),
  primary key (tenant_id, sequence)
);
create index ledger_entry_by_time on ledger_entry (tenant_id, at);

-- Which connections' logs are compared, when next, and up to when it was done. due_at is on this database's clock.
create table ledger_watch (
  connection_id uuid primary key,
  tenant_id uuid not null,
  due_at timestamptz not null default now(),
  lease_until timestamptz,
  fence bigint not null default 0,
  attempt integer not null default 0,
  compared_until timestamptz,
  -- Why the last comparison could not be made; null after one that was.
  doubt text,
  foreign key (tenant_id, connection_id) references connection (tenant_id, connection_id)
);
create index ledger_watch_due on ledger_watch (due_at);

-- What a comparison or a sweep found. subject is the event's id in the account's log, or the resource's id: once is enough.
create table ledger_finding (
  finding_id uuid primary key,
  tenant_id uuid not null references tenant,
  kind text not null,
  subject text not null,
  alarm boolean not null,
  detail jsonb not null,
  found_at timestamptz not null,
  unique (tenant_id, kind, subject)
);
create index ledger_finding_by_tenant on ledger_finding (tenant_id, finding_id);

-- Looking through all regions for what carries a deployment's tags. Region by region, so that a worker that dies or
-- meets an outage goes on and does not begin anew.
create table sweep (
  sweep_id uuid primary key,
  tenant_id uuid not null,
  deployment_id uuid not null,
  started_at timestamptz not null,
  regions jsonb not null,
  looked jsonb not null default '{}',
  completed_at timestamptz,
  foreign key (tenant_id, deployment_id) references deployment (tenant_id, deployment_id)
);
create index sweep_by_deployment on sweep (tenant_id, deployment_id, sweep_id);

-- What outlives a deployment, why, and until when.
create table retained_item (
  tenant_id uuid not null,
  deployment_id uuid not null,
  aws_id text not null,
  item jsonb not null,
  due_at timestamptz,
  deleted_at timestamptz,
  primary key (tenant_id, deployment_id, aws_id),
  foreign key (tenant_id, deployment_id) references deployment (tenant_id, deployment_id)
);

-- One per deleted deployment: the document and the same signed.
create table deletion_certificate (
  deployment_id uuid primary key,
  tenant_id uuid not null,
  document jsonb not null,
  jws text not null,
  issued_at timestamptz not null,
  foreign key (tenant_id, deployment_id) references deployment (tenant_id, deployment_id)
);

-- What CloudFormation wants to know of a resource for an import, beyond its id.
create table import_fact (
  tenant_id uuid not null,
  deployment_id uuid not null,
  logical_name text not null,
  aws_id text not null,
  facts jsonb not null,
  primary key (tenant_id, deployment_id, logical_name),
  foreign key (tenant_id, deployment_id) references deployment (tenant_id, deployment_id)
);

do $$
declare
  name text;
begin
  foreach name in array array['ledger_entry', 'ledger_watch', 'ledger_finding', 'sweep', 'retained_item',
                              'deletion_certificate', 'import_fact']
  loop
    execute format('alter table %I enable row level security, force row level security', name);
    execute format(
      'create policy tenant_rows on %I to app_rw
         using (tenant_id = current_setting(''app.tenant_id'')::uuid)
         with check (tenant_id = current_setting(''app.tenant_id'')::uuid)', name);
    execute format('create policy all_rows on %I to ops using (true) with check (true)', name);
    execute format('grant select, insert on %I to app_rw', name);
    execute format('grant select on %I to ops', name);
  end loop;
end $$;
grant insert on ledger_entry, ledger_watch to ops;
grant update on ledger_watch to ops;
grant update on sweep, retained_item, import_fact, ledger_watch to app_rw;
