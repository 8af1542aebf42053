-- Whether the links of a match are real: a later pass of the run leaves them alone, unless the object was matched again (R16).
alter table match_count add column committed boolean not null default false;
