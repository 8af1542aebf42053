-- The keys of the two sides are brought up to date each for itself. `malformed_ids` is of the persons' side.
alter table key_state add column side text not null default 'crm' check (side in ('crm', 'pers'));
alter table key_state alter column side drop default;
alter table key_state drop constraint key_state_pkey;
alter table key_state add primary key (object, side);
insert into key_state (object, side, run_no, plan_hash, forgotten_no, malformed_ids, keys_no)
select object, 'pers', run_no, plan_hash, forgotten_no, malformed_ids, keys_no from key_state;
update key_state set malformed_ids = 0 where side = 'crm';
