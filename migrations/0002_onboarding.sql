-- Why: how a tenant comes to be, who its people are, what proves them, and which AWS account trusts us.
--
-- Secrets are stored as SHA-256 of 256 random bits (they need no slow hash) or, for passwords, as argon2id.
-- The external id is not a secret for AWS, but no request can set it and it never changes.

create table signup (
  signup_id uuid primary key,
  organisation text not null check (length(organisation) between 1 and 200),
  email text not null,
  password_hash text not null,
  token_hash bytea not null unique check (length(token_hash) = 32),
  created_at timestamptz not null,
  expires_at timestamptz not null,
  verified_at timestamptz
);
grant select, insert, update, delete on signup to ops;

-- One address is one person, over all tenants: it is what people sign in with. No tenant: an operator.
create table app_user (
  user_id uuid primary key,
  tenant_id uuid references tenant,
  email text not null unique check (email = lower(email)),
  role text not null check (role in ('operator', 'admin', 'member')),
  password_hash text,
  state text not null check (state in ('active', 'disabled')),
  created_at timestamptz not null,
  updated_at timestamptz not null,
  version bigint not null default 1,
  check ((tenant_id is null) = (role = 'operator')),
  unique (tenant_id, user_id)
);
alter table app_user enable row level security, force row level security;
create policy tenant_rows on app_user to app_rw
  using (tenant_id = current_setting('app.tenant_id')::uuid)
  with check (tenant_id = current_setting('app.tenant_id')::uuid);
create policy all_rows on app_user to ops using (true) with check (true);
grant select, insert, update on app_user to app_rw, ops;

create table invitation (
  invitation_id uuid primary key,
  tenant_id uuid not null references tenant,
  email text not null check (email = lower(email)),
  role text not null check (role in ('admin', 'member')),
  token_hash bytea not null unique check (length(token_hash) = 32),
  invited_by text not null,
  created_at timestamptz not null,
  expires_at timestamptz not null,
  accepted_at timestamptz
);
create index invitation_by_tenant on invitation (tenant_id, created_at);
alter table invitation enable row level security, force row level security;
create policy tenant_rows on invitation to app_rw
  using (tenant_id = current_setting('app.tenant_id')::uuid)
  with check (tenant_id = current_setting('app.tenant_id')::uuid);
create policy all_rows on invitation to ops using (true) with check (true);
grant select, insert, update on invitation to app_rw, ops;

-- A browser's session, a refresh token, or a single-use sign-in link: an opaque secret that stands for a person.
-- A family is one sign-in; the reuse of a rotated refresh token ends the whole family (RFC 9700).
create table session (
  secret_hash bytea primary key check (length(secret_hash) = 32),
  kind text not null check (kind in ('browser', 'refresh', 'link')),
  user_id uuid not null references app_user,
  tenant_id uuid references tenant,
  family uuid not null,
  created_at timestamptz not null,
  expires_at timestamptz not null,
  used_at timestamptz,
  revoked_at timestamptz
);
create index session_by_family on session (family);
create index session_by_user on session (user_id);
create index session_by_tenant on session (tenant_id) where tenant_id is not null;
alter table session enable row level security, force row level security;
create policy all_rows on session to ops using (true) with check (true);
grant select, insert, update, delete on session to ops;

create table api_key (
  key_id uuid primary key,
  tenant_id uuid not null references tenant,
  public_id text not null unique check (length(public_id) = 8),
  secret_hash bytea not null check (length(secret_hash) = 32),
  name text not null check (length(name) between 1 and 100),
  scopes text[] not null,
  created_by text not null,
  created_at timestamptz not null,
  expires_at timestamptz,
  last_used_at timestamptz,
  revoked_at timestamptz
);
create index api_key_by_tenant on api_key (tenant_id, key_id);
alter table api_key enable row level security, force row level security;
create policy tenant_rows on api_key to app_rw
  using (tenant_id = current_setting('app.tenant_id')::uuid)
  with check (tenant_id = current_setting('app.tenant_id')::uuid);
create policy all_rows on api_key to ops using (true) with check (true);
grant select, insert, update on api_key to app_rw, ops;

-- Mails to be sent. The embedded default shows them on its outbox page instead.
create table mail (
  mail_id uuid primary key,
  tenant_id uuid references tenant,
  recipient text not null,
  subject text not null,
  body text not null,
  created_at timestamptz not null
);
grant select, insert, delete on mail to ops;

-- A tenant's AWS account that trusts us. A role ARN is unique only among proven connections; otherwise anybody
-- could block a victim by typing its account id first.
create table connection (
  connection_id uuid primary key,
  tenant_id uuid not null references tenant,
  aws_account_id text not null check (aws_account_id ~ '^[0-9]{12}$'),
  region text not null,
  external_id text not null unique,
  role_arn text not null,
  state jsonb not null,
  state_name text not null generated always as (state ->> 'state') stored,
  check_count int not null default 0,
  due_at timestamptz,
  lease_owner text,
  lease_until timestamptz,
  fence bigint not null default 0,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  version bigint not null default 1,
  unique (tenant_id, connection_id)
);
create unique index connection_one_live_per_account on connection (tenant_id, aws_account_id)
  where state_name <> 'revoked';
create unique index connection_proven_role on connection (role_arn) where state_name in ('ready', 'quarantined');
create index connection_due on connection (due_at) where due_at is not null;
alter table connection enable row level security, force row level security;
create policy tenant_rows on connection to app_rw
  using (tenant_id = current_setting('app.tenant_id')::uuid)
  with check (tenant_id = current_setting('app.tenant_id')::uuid);
create policy all_rows on connection to ops using (true) with check (true);
grant select, insert, update on connection to app_rw, ops;

-- What each round of probes found: the evidence that the lock holds.
create table probe_round (
  tenant_id uuid not null,
  connection_id uuid not null,
  round bigint generated always as identity,
  at timestamptz not null,
  answers jsonb not null,
  verdict jsonb not null,
  statement jsonb,
  primary key (tenant_id, connection_id, round),
  foreign key (tenant_id, connection_id) references connection (tenant_id, connection_id)
);
alter table probe_round enable row level security, force row level security;
create policy tenant_rows on probe_round to app_rw
  using (tenant_id = current_setting('app.tenant_id')::uuid)
  with check (tenant_id = current_setting('app.tenant_id')::uuid);
create policy all_rows on probe_round to ops using (true) with check (true);
grant select on probe_round to app_rw;
grant select, insert on probe_round to ops;
