-- What a match depends on, so that a night in which none of it changed uses the outcomes of an earlier one again.

-- Moves whenever a key of the object, of either side, came, went or changed.
alter table key_state add column keys_no bigint not null default 0;

-- Changes of who a record is and of who is there; who is new is told by the largest `rec`. `owner` is an object or `user` and `person account` for the kinds of persons.
create table identity_change (no bigint generated always as identity primary key, owner text not null);
create index identity_change_owner on identity_change (owner, no desc);

create function note_identity_change() returns trigger language plpgsql set search_path from current as $body$
begin
  insert into identity_change (owner) values (new.object);
  return null;
end
$body$;
create trigger crm_record_identity after update of ineligible, master_id, converted_id on crm_record for each row
  when ((new.ineligible, new.master_id, new.converted_id) is distinct from (old.ineligible, old.master_id, old.converted_id))
  execute function note_identity_change();

create function note_records_gone() returns trigger language plpgsql set search_path from current as $body$
begin
  insert into identity_change (owner) select distinct object from gone;
  return null;
end
$body$;
create trigger crm_record_gone after delete on crm_record referencing old table as gone for each statement execute function note_records_gone();

create function note_persons_gone() returns trigger language plpgsql set search_path from current as $body$
begin
  insert into identity_change (owner) select distinct case kind when 'account' then 'person account' else kind end from gone;
  return null;
end
$body$;
create trigger pers_record_gone after delete on pers_record referencing old table as gone for each statement execute function note_persons_gone();

-- All that a match was made of, as a hash; null of one that must not be used again.
alter table match_count add column inputs text;
