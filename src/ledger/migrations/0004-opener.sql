-- Who opened the run, or took it up again, last: an execution of the workflow, and its attempt at that. An earlier attempt that wakes up late does not take it from a later one.
alter table run add column opened_by text, add column opened_attempt integer;
