-- When the workflow asked for the run to be opened: who was asked before does not close a run that was asked for after it.
alter table run add column opening_asked_at timestamptz;
