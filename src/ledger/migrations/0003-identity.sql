-- Records that change identity, and runs that make their links real more than once (R16).
alter table link
  -- The run that wrote the row. A link that is handed over or comes back keeps its `made_run`, and is another row.
  add column entered_run text,
  -- The run that found the record of a tombstone there again, and that did not bring the link back.
  add column forgotten_run text,
  -- R20: the record that the link's record was merged into, while the link rests or is a tombstone. The recycle bin forgets it after a while.
  add column heir_id text collate "C";

create index link_deleted on link (object, crm_id) where ended_reason = 'deleted';
create index link_heir on link (object, crm_id) where heir_id is not null;
