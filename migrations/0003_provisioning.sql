-- Why: deployments in customers' accounts, and everything a worker needs to stop at any moment and let
-- another go on: what is wanted, what was found, what was about to be done, and who is at it.
--
-- Written by tenant-provisioning only. Leases and waiting use this database's clock. Every write of a worker
-- happens in a transaction that first renews its lease under its fence, so a worker that was overtaken
-- writes nothing.

create table deployment (
  deployment_id uuid primary key,
  tenant_id uuid not null references tenant,
  connection_id uuid not null,
  profile text not null,
  region text not null,
  instance_type text not null,
  wanted text not null check (wanted in ('present', 'stopped', 'absent')),
  generation bigint not null check (generation > 0),
  observed_generation bigint not null default 0,
  phase text not null,
  phase_since timestamptz not null,
  blocked text,
  -- The tenant's state that the last pass acted on; a difference wakes the reconciler.
  tenant_state_seen text not null,
  deletion_proof jsonb,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  version bigint not null default 1,
  unique (tenant_id, deployment_id),
  foreign key (tenant_id, connection_id) references connection (tenant_id, connection_id)
);
create index deployment_by_tenant on deployment (tenant_id, deployment_id);

-- What was approved, generation by generation. Never updated.
create table deployment_spec (
  tenant_id uuid not null,
  deployment_id uuid not null,
  generation bigint not null,
  blueprint jsonb not null,
  plan_hash text not null,
  requested_by text not null,
  created_at timestamptz not null,
  primary key (tenant_id, deployment_id, generation),
  foreign key (tenant_id, deployment_id) references deployment (tenant_id, deployment_id)
);

create table resource (
  tenant_id uuid not null,
  deployment_id uuid not null,
  logical_name text not null,
  kind text not null,
  state text not null check (state in
    ('absent', 'creating', 'ready', 'drifted', 'updating', 'deleting', 'deleted', 'failed', 'unknown')),
  aws_id text,
  -- Counts settled absences; part of the client token, so that a token is never used for two things.
  incarnation integer not null default 0,
  -- When the id was learnt. Describe calls may miss a new resource for a while.
  created_at timestamptz,
  last_error text,
  updated_at timestamptz not null default now(),
  primary key (tenant_id, deployment_id, logical_name),
  foreign key (tenant_id, deployment_id) references deployment (tenant_id, deployment_id)
);

-- One row per call that changes something, committed before the call. Its id is the tag of what it makes.
create table intent (
  intent_id uuid primary key,
  tenant_id uuid not null,
  deployment_id uuid not null,
  logical_name text not null,
  incarnation integer not null,
  call jsonb not null,
  token text not null,
  outcome text not null check (outcome in ('open', 'done', 'failed', 'unknown')),
  aws_id text,
  error text,
  fence bigint not null,
  -- Looks for the tag after a lost answer, and when the next one counts.
  empty_looks integer not null default 0,
  due_at timestamptz,
  created_at timestamptz not null default now(),
  settled_at timestamptz,
  foreign key (tenant_id, deployment_id, logical_name) references resource (tenant_id, deployment_id, logical_name)
);
create index intent_by_deployment on intent (tenant_id, deployment_id);
create index intent_unsettled on intent (tenant_id, deployment_id) where outcome in ('open', 'unknown');

create table work (
  deployment_id uuid primary key,
  tenant_id uuid not null,
  due_at timestamptz not null,
  lease_owner text,
  lease_until timestamptz,
  fence bigint not null default 0,
  attempt integer not null default 0,
  foreign key (tenant_id, deployment_id) references deployment (tenant_id, deployment_id)
);
create index work_due on work (due_at);

create table operation (
  operation_id uuid primary key,
  tenant_id uuid not null,
  deployment_id uuid not null,
  kind text not null,
  generation bigint not null,
  state text not null,
  plan jsonb not null,
  steps jsonb not null,
  problem text,
  permanent_errors integer not null default 0,
  requested_by text not null,
  approved_by text,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  version bigint not null default 1,
  unique (tenant_id, operation_id),
  foreign key (tenant_id, deployment_id) references deployment (tenant_id, deployment_id)
);
create index operation_by_tenant on operation (tenant_id, operation_id);
-- A deployment has one operation at a time.
create unique index operation_one_live on operation (tenant_id, deployment_id)
  where state in ('awaiting_approval', 'queued', 'running', 'waiting');

create table operation_event (
  tenant_id uuid not null,
  operation_id uuid not null,
  sequence bigint not null,
  kind text not null check (kind in ('state', 'step', 'done')),
  data jsonb not null,
  at timestamptz not null,
  primary key (tenant_id, operation_id, sequence),
  foreign key (tenant_id, operation_id) references operation (tenant_id, operation_id)
);

-- Every id that was ever ours, and its end. The certificate of deletion accounts for each.
create table created_ever (
  tenant_id uuid not null,
  deployment_id uuid not null,
  aws_id text not null,
  kind text not null,
  region text not null,
  logical_name text not null,
  created_at timestamptz not null default now(),
  gone_at timestamptz,
  primary key (tenant_id, deployment_id, aws_id),
  foreign key (tenant_id, deployment_id) references deployment (tenant_id, deployment_id)
);

do $$
declare
  name text;
begin
  foreach name in array array['deployment', 'deployment_spec', 'resource', 'intent', 'work', 'operation',
                              'operation_event', 'created_ever']
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
grant update on deployment, resource, intent, work, operation, created_ever to app_rw;
grant delete on work to app_rw;
grant update on work to ops;
