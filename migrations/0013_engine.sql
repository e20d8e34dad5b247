-- Why: what happens when an operation cannot be carried out, until when it should be, whether a deployment's work
-- rests, and what is done about drift, are choices of people; the workers read them here.
--
-- Written by tenant-provisioning only, like the tables they belong to.

alter table operation
  add column on_failure text not null default 'rollback' check (on_failure in ('keep', 'rollback')),
  add column deadline_at timestamptz,
  -- Set once, when the deadline passed without an end; an alarm, never an end.
  add column overdue_since timestamptz;

alter table deployment
  add column paused boolean not null default false,
  add column drift_policy text not null default 'alert' check (drift_policy in ('alert', 'repair'));
