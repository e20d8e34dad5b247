-- Why: a change and a deletion begin as a plan. What the plan was made for, who must agree and who has agreed stand
-- beside the operation until a worker finds the plan still true and writes it down as wanted.

alter table operation add column contract jsonb not null default '{}';
