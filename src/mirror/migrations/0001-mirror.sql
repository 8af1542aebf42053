-- What can be fetched again: records of both sides, their match keys, and what a run made of them. Logged all the same.

-- White space is the set that JavaScript's trim takes (R6).
create function white_space() returns text language sql immutable parallel safe
  return E'\t\n\u000b\f\r \u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000\ufeff';

-- R6: NFC, outer white space trimmed. ASCII needs no normalisation, which costs five times the check.
create function normalised(v text) returns text language sql immutable parallel safe
  return btrim(case when octet_length(v) = length(v) then v else normalize(v, nfc) end,
    E'\t\n\u000b\f\r \u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000\ufeff');

-- R7
create function is_blank(v text) returns boolean language sql immutable parallel safe
  return v is null or btrim(v, E'\t\n\u000b\f\r \u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000\ufeff') = '';

-- R6 ignoreCase: Unicode's full lower case without a locale. Which collation knows it depends on the server's version and build.
do $body$
declare
  chosen text;
begin
  select quote_ident(collname) into chosen from pg_collation
   where collname in ('pg_unicode_fast', 'und-x-icu') order by collname = 'pg_unicode_fast' desc limit 1;
  if chosen is null then
    raise exception 'this PostgreSQL has neither the collation pg_unicode_fast (18) nor ICU (und-x-icu)';
  end if;
  execute format($f$
    create function lower_case(v text) returns text language sql immutable parallel safe
    return case when octet_length(v) = length(v) then lower(v collate "C") collate "C" else lower(v collate %s) collate "C" end
  $f$, chosen);
end
$body$;

-- Near misses (R6): case and all white space ignored.
create function folded(v text) returns text language sql immutable parallel safe
  return translate(lower_case(v),
    E'\t\n\u000b\f\r \u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000\ufeff', '');

-- B-tree and hash entries stay small: a long value is keyed by its hash, followed by the hash of its folded form.
create function match_key(normal text) returns text language sql immutable parallel safe
  return case when octet_length(normal) <= 1024 then normal else E'\u0001' || md5(normal) || md5(folded(normal)) end;

create function near_key(key text) returns text language sql immutable parallel safe
  return case when starts_with(key, E'\u0001') then E'\u0001' || right(key, 32) else folded(key) end;

-- R8: 18 characters, or null for what is no Salesforce id of that prefix.
create function id_checksum(id15 text) returns text language sql immutable strict parallel safe
begin atomic
  select string_agg(substr('ABCDEFGHIJKLMNOPQRSTUVWXYZ012345', 1 + bits, 1), '' order by part)
  from (
    select part, sum(case when substr(id15, part * 5 + i + 1, 1) collate "C" between 'A' and 'Z' then 1 << i else 0 end)::integer as bits
    from generate_series(0, 2) part, generate_series(0, 4) i group by part
  ) s;
end;

create function id18(v text, prefix text) returns text language sql immutable parallel safe
  return case
    when v is null or not starts_with(v, prefix) or v !~ '^[A-Za-z0-9]{15}([A-Z0-5]{3})?$' then null
    when length(v) = 15 then v || id_checksum(v)
    when right(v, 3) = id_checksum(left(v, 15)) then v
  end;

create table crm_record (
  object text not null,
  rec bigint generated always as identity,
  crm_id text collate "C" not null,
  modstamp text,
  -- null: takes part in matching. Else the first reason that holds (R26).
  ineligible text check (ineligible in ('deleted', 'converted', 'personAccount')),
  master_id text collate "C",
  converted_id text collate "C",
  account_id text collate "C",
  person_account boolean not null default false,
  field_values text[] not null,
  changed_run bigint not null,
  primary key (object, rec),
  unique (object, crm_id)
) partition by list (object);
create table crm_record_account partition of crm_record for values in ('account') with (fillfactor = 70);
create table crm_record_contact partition of crm_record for values in ('contact') with (fillfactor = 70);
create table crm_record_lead partition of crm_record for values in ('lead') with (fillfactor = 70);

create table pers_record (
  kind text not null,
  rec bigint generated always as identity,
  pers_id text collate "C" not null,
  account_pers_id text collate "C",
  field_values text[] not null,
  changed_run bigint not null,
  primary key (kind, rec),
  unique (kind, pers_id)
) partition by list (kind);
create table pers_record_user partition of pers_record for values in ('user') with (fillfactor = 70);
create table pers_record_account partition of pers_record for values in ('account') with (fillfactor = 70);

-- Each (field, value, rec) once. `field` is the number of a match field in today's settings (src/mirror/match-plan.ts).
create table crm_key (
  object text not null, field smallint not null, value text collate "C" not null, rec bigint not null
) partition by list (object);
create table crm_key_account partition of crm_key for values in ('account');
create table crm_key_contact partition of crm_key for values in ('contact');
create table crm_key_lead partition of crm_key for values in ('lead');

create table pers_key (
  object text not null, field smallint not null, attr smallint not null, value text collate "C" not null, rec bigint not null
) partition by list (object);
create table pers_key_account partition of pers_key for values in ('account');
create table pers_key_contact partition of pers_key for values in ('contact');
create table pers_key_lead partition of pers_key for values in ('lead');

-- An activity's effect and its row here commit together: a repeat finds the row and returns its counts.
create table step_ledger (
  run_no bigint not null, step text not null, object text not null, part integer not null,
  counts jsonb not null, done_at timestamptz not null default clock_timestamp(),
  primary key (run_no, step, object, part)
);

-- Partitioned by run: forgetting a run is dropping its partitions.
create table candidate (
  run_no bigint not null, object text not null, sub_tier text not null, field smallint not null, attr smallint not null,
  crm bigint not null, pers bigint not null, held boolean not null
) partition by list (run_no);

-- Members of groups too large to list pair by pair: degrees decide.
create table hot_member (
  run_no bigint not null, object text not null, sub_tier text not null, field smallint not null, value text collate "C" not null,
  side text not null, rec bigint not null, held boolean not null, degree bigint not null, held_degree bigint not null
) partition by list (run_no);

create table crm_outcome (
  run_no bigint not null, object text not null, rec bigint not null,
  outcome text not null check (outcome in ('linked', 'unmatched', 'ambiguous', 'conflicting', 'suppressed', 'ineligible')),
  sub_tier text, pers bigint, crm_field text, attribute text, reason text
) partition by list (run_no);

create table pers_outcome (
  run_no bigint not null, object text not null, rec bigint not null,
  outcome text not null check (outcome in ('linked', 'stopped', 'held'))
) partition by list (run_no);

create table intent (
  run_no bigint not null, intent_no bigint generated always as identity,
  side text not null check (side in ('salesforce', 'personalization')),
  object text not null, rec_id text collate "C" not null, target_id text collate "C" not null, target_object text not null,
  field text not null, target_type text not null, scale integer not null default 0,
  before text, after text, rule text not null,
  outcome text check (outcome in ('applied', 'unchanged', 'rejected', 'deferred')),
  code text, reason text,
  part integer not null, job_no bigint
) partition by list (run_no);
