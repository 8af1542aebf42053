-- What the match of a night works on. Nothing here cannot be made again.

-- R8: the checksum as an expression over bytes, so that it is inlined; of what is longer than 15 characters the first 15 count. Only what `id18` has looked at comes here:
-- letters and digits are one byte each and no escape.
create or replace function id_checksum(id15 text) returns text language sql immutable strict parallel safe
  return substr('ABCDEFGHIJKLMNOPQRSTUVWXYZ012345', 1 + 1 * (abs(2 * get_byte(id15::bytea, 0) - 155) <= 25)::integer + 2 * (abs(2 * get_byte(id15::bytea, 1) - 155) <= 25)::integer + 4 * (abs(2 * get_byte(id15::bytea, 2) - 155) <= 25)::integer + 8 * (abs(2 * get_byte(id15::bytea, 3) - 155) <= 25)::integer + 16 * (abs(2 * get_byte(id15::bytea, 4) - 155) <= 25)::integer, 1)
      || substr('ABCDEFGHIJKLMNOPQRSTUVWXYZ012345', 1 + 1 * (abs(2 * get_byte(id15::bytea, 5) - 155) <= 25)::integer + 2 * (abs(2 * get_byte(id15::bytea, 6) - 155) <= 25)::integer + 4 * (abs(2 * get_byte(id15::bytea, 7) - 155) <= 25)::integer + 8 * (abs(2 * get_byte(id15::bytea, 8) - 155) <= 25)::integer + 16 * (abs(2 * get_byte(id15::bytea, 9) - 155) <= 25)::integer, 1)
      || substr('ABCDEFGHIJKLMNOPQRSTUVWXYZ012345', 1 + 1 * (abs(2 * get_byte(id15::bytea, 10) - 155) <= 25)::integer + 2 * (abs(2 * get_byte(id15::bytea, 11) - 155) <= 25)::integer + 4 * (abs(2 * get_byte(id15::bytea, 12) - 155) <= 25)::integer + 8 * (abs(2 * get_byte(id15::bytea, 13) - 155) <= 25)::integer + 16 * (abs(2 * get_byte(id15::bytea, 14) - 155) <= 25)::integer, 1);

create or replace function id18(v text, prefix text) returns text language sql immutable parallel safe
  return case
    when v is null or not starts_with(v, prefix) or v !~ '^[A-Za-z0-9]{15}([A-Z0-5]{3})?$' then null
    when octet_length(v) = 15 then v || id_checksum(v)
    when right(v, 3) = id_checksum(v) then v
  end;

-- Near misses (R6), the same as before: `translate` takes five times as long as six times `replace`, so it is kept for what needs it.
create or replace function folded(v text) returns text language sql immutable parallel safe
  return case
    when octet_length(v) <> length(v) then translate(lower_case(v),
      E'\t\n\u000b\f\r \u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000\ufeff', '')
    else replace(replace(replace(replace(replace(replace(lower(v collate "C"), ' ', ''), E'\t', ''), E'\n', ''), E'\u000b', ''), E'\f', ''), E'\r', '')
  end collate "C";

-- Keys lie apart by object and field: a sub-tier reads its own fields and nothing else. The partition of a field is made when its keys are.
-- Eligible records alone have keys. `alias`: the value is the id of a merged record or of a converted lead (R19, R20).
drop table crm_key, pers_key;
create table crm_key (
  object text not null, field smallint not null, value text collate "C" not null, rec bigint not null, alias boolean not null default false
) partition by list (object);
create table crm_key_account partition of crm_key for values in ('account') partition by list (field);
create table crm_key_contact partition of crm_key for values in ('contact') partition by list (field);
create table crm_key_lead partition of crm_key for values in ('lead') partition by list (field);

create index crm_key_account_alias on crm_key_account (rec) where alias;
create index crm_key_contact_alias on crm_key_contact (rec) where alias;
create index crm_key_lead_alias on crm_key_lead (rec) where alias;

create table pers_key (
  object text not null, field smallint not null, attr smallint not null, value text collate "C" not null, rec bigint not null
) partition by list (object);
create table pers_key_account partition of pers_key for values in ('account') partition by list (field);
create table pers_key_contact partition of pers_key for values in ('contact') partition by list (field);
create table pers_key_lead partition of pers_key for values in ('lead') partition by list (field);

-- What the keys of an object are up to date with: records changed in a later run, or another plan, make them stale.
create table key_state (
  object text primary key, run_no bigint not null, plan_hash text not null, forgotten_no bigint not null,
  -- R8, counted when the keys are made.
  malformed_ids bigint not null
);

-- Rows that left the mirror and may have left keys behind: `forgotten_no` of an object is the last one whose keys are gone. `owner` is an object or a kind of person.
create table forgotten (
  no bigint generated always as identity primary key, side text not null check (side in ('crm', 'pers')), owner text not null, rec bigint not null
);

-- Who left the mirror since a run last became real: guards count them, and R23 erases the persons then. One that is there again is still listed: readers look.
create table gone_record (
  object text not null, rec bigint not null, crm_id text collate "C" not null, primary key (object, rec)
);
create table gone_person (
  kind text not null, rec bigint not null, pers_id text collate "C" not null, primary key (kind, rec)
);
create function note_forgotten_record() returns trigger language plpgsql set search_path from current as $body$
begin
  insert into forgotten (side, owner, rec) select 'crm', object, rec from gone;
  insert into gone_record (object, rec, crm_id) select object, rec, crm_id from gone where ineligible is distinct from 'deleted' on conflict do nothing;
  return null;
end
$body$;
create function note_forgotten_person() returns trigger language plpgsql set search_path from current as $body$
begin
  insert into forgotten (side, owner, rec) select 'pers', kind, rec from gone;
  insert into gone_person (kind, rec, pers_id) select kind, rec, pers_id from gone on conflict do nothing;
  return null;
end
$body$;
create function note_deleted_record() returns trigger language plpgsql set search_path from current as $body$
begin
  insert into gone_record (object, rec, crm_id) values (new.object, new.rec, new.crm_id) on conflict do nothing;
  return null;
end
$body$;
create trigger crm_record_deleted after update of ineligible on crm_record for each row
  when (new.ineligible = 'deleted' and old.ineligible is distinct from 'deleted') execute function note_deleted_record();
create trigger crm_record_forgotten after delete on crm_record referencing old table as gone for each statement execute function note_forgotten_record();
create trigger pers_record_forgotten after delete on pers_record referencing old table as gone for each statement execute function note_forgotten_person();

create index crm_record_contact_merged on crm_record_contact (rec) where master_id is not null;
create index crm_record_account_merged on crm_record_account (rec) where master_id is not null;
create index crm_record_lead_merged on crm_record_lead (rec) where master_id is not null;
create index crm_record_lead_converted on crm_record_lead (rec) where converted_id is not null;

-- Partitioned by run, then by object: an object's match ends with a primary key on its own outcomes (R26).
drop table candidate, hot_member, crm_outcome, pers_outcome;
create table candidate (
  run_no bigint not null, object text not null, tier smallint not null, field smallint not null, attr smallint not null,
  crm bigint not null, pers bigint not null, held boolean not null
) partition by list (run_no);

-- Members of groups too large to list pair by pair: degrees decide. Of a person who is held, `degree` counts nothing.
create table hot_member (
  run_no bigint not null, object text not null, tier smallint not null, field smallint not null, value text collate "C" not null,
  side text not null check (side in ('crm', 'pers')), rec bigint not null, held boolean not null, degree bigint not null, held_degree bigint not null
) partition by list (run_no);

create table crm_outcome (
  run_no bigint not null, object text not null, rec bigint not null,
  outcome text not null check (outcome in ('linked', 'unmatched', 'ambiguous', 'conflicting', 'suppressed', 'ineligible')),
  sub_tier text, pers bigint, crm_field text, attribute text, reason text,
  -- The link from an earlier night that goes on in this one.
  link_no bigint,
  -- Of a record that was stopped or suppressed: how many persons it could be, and the first 50 by their id's code points.
  candidate_count bigint not null default 0, candidates bigint[],
  check ((outcome = 'linked') = (pers is not null))
) partition by list (run_no);

create table pers_outcome (
  run_no bigint not null, object text not null, rec bigint not null,
  outcome text not null check (outcome in ('linked', 'stopped', 'held'))
) partition by list (run_no);

-- One row for each match of an object: whether leads were on when it began, which nothing changes until it ends, and then the counts that no other table keeps.
create table match_count (
  run_no bigint not null, object text not null, leads boolean not null, counts jsonb, primary key (run_no, object)
);
