-- What the match of a night works on. Nothing here cannot be made again.

-- R8: the same checksum as an expression, so that it is inlined: the function over generate_series took a tenth of the speed.
create or replace function id_checksum(id15 text) returns text language sql immutable strict parallel safe
  return substr('ABCDEFGHIJKLMNOPQRSTUVWXYZ012345', 1 + reverse(translate(substr(id15, 1, 5) collate "C",
           'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789', '11111111111111111111111111000000000000000000000000000000000000'))::bit(5)::integer, 1)
      || substr('ABCDEFGHIJKLMNOPQRSTUVWXYZ012345', 1 + reverse(translate(substr(id15, 6, 5) collate "C",
           'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789', '11111111111111111111111111000000000000000000000000000000000000'))::bit(5)::integer, 1)
      || substr('ABCDEFGHIJKLMNOPQRSTUVWXYZ012345', 1 + reverse(translate(substr(id15, 11, 5) collate "C",
           'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789', '11111111111111111111111111000000000000000000000000000000000000'))::bit(5)::integer, 1);

-- Keys lie apart by object and field: a sub-tier reads its own fields and nothing else. The partition of a field is made when its keys are.
-- Eligible records alone have keys. `alias`: the value is the id of a merged record or of a converted lead (R19, R20).
drop table crm_key, pers_key;
create table crm_key (
  object text not null, field smallint not null, value text collate "C" not null, rec bigint not null, alias boolean not null default false
) partition by list (object);
create table crm_key_account partition of crm_key for values in ('account') partition by list (field);
create table crm_key_contact partition of crm_key for values in ('contact') partition by list (field);
create table crm_key_lead partition of crm_key for values in ('lead') partition by list (field);

create table pers_key (
  object text not null, field smallint not null, attr smallint not null, value text collate "C" not null, rec bigint not null
) partition by list (object);
create table pers_key_account partition of pers_key for values in ('account') partition by list (field);
create table pers_key_contact partition of pers_key for values in ('contact') partition by list (field);
create table pers_key_lead partition of pers_key for values in ('lead') partition by list (field);

-- What the keys of an object are up to date with: records changed in a later run, or another plan, make them stale.
create table key_state (
  object text primary key, run_no bigint not null, plan_hash text not null
);

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

-- Counts of a match that no other table keeps.
create table match_count (
  run_no bigint not null, object text not null, counts jsonb not null, primary key (run_no, object)
);
