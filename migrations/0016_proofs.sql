-- Why: what a round of proof found is signed when it is found, so that what a tenant downloads later is what we knew
-- then. A wizard that is open is looked after every few seconds and one that is closed more rarely. The tenant's own
-- network, once it has all that a profile needs, is remembered with the subnets that will be used.

alter table probe_round add column jws text;
create index probe_round_signed on probe_round (connection_id, round) where jws is not null;

alter table connection add column watched_until timestamptz;

alter table preflight add column network jsonb;
