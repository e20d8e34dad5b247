-- Why: a ready connection is watched in between its whole proofs, and a round that proves nothing says why.
--
-- The watch asks little and often; a person who asks to check again, and every change of state, get a whole round.
-- A doubt (throttling, an outage, a clock) is shown and is never a state: nobody loses access because AWS is slow.

alter table connection
  add column whole_next boolean not null default true,
  add column doubt jsonb;
