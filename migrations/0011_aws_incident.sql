-- Why: when AWS is silent about many accounts of a region at once, that is one incident and not many connections in
-- trouble. Written by onboarding's verifying worker; one open row per region.

create table aws_incident (
  region text not null,
  began_at timestamptz not null,
  ended_at timestamptz,
  accounts integer not null check (accounts > 0),
  primary key (region, began_at)
);
create unique index aws_incident_one_open on aws_incident (region) where ended_at is null;
grant select, insert, update on aws_incident to ops;
