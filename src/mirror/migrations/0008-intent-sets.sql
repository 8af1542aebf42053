-- The intents of a pair that share a target and a fate are one row: most of a night is made of them, and few of a record's fields ever part ways.

-- The mappings of one object and one direction, numbered from 1, as a run plans with them. `account_field`: its name on the account of a person account (R22).
create table intent_field (
  run_no bigint not null, side text not null, object text not null, mapping smallint not null,
  field text not null, account_field text,
  target_type text not null, scale integer not null,
  -- Where the mirror holds the target's value, null where it must not be touched before the next read (values that match keys are made of).
  position integer,
  rule text not null,
  primary key (run_no, side, object, mapping)
);

-- `mappings`: which fields; `before` and `after` hold their texts at the same numbers, and may hold others. Without `outcome`: planned, or with `sending`: may have been sent; only a look
-- at the target tells. `part`: the unit in which it is sent.
create table intent_set (
  run_no bigint not null, set_no bigint generated always as identity,
  side text not null check (side in ('salesforce', 'personalization')),
  object text not null, crm bigint not null, pers bigint not null,
  target_id text collate "C" not null, target_object text not null,
  mappings smallint[] not null check (cardinality(mappings) > 0), before text[] not null, after text[] not null,
  outcome text check (outcome in ('applied', 'unchanged', 'rejected', 'deferred')),
  code text, reason text,
  part integer not null, sending boolean not null default false
) partition by list (run_no);
create index intent_set_part on intent_set (part, target_id);

-- What earlier versions kept, a row for each intent.
do $body$
declare
  partition record;
begin
  for partition in select distinct run_no from intent loop
    execute format('create table intent_set_r%1$s partition of intent_set for values in (%1$s) with (fillfactor = 50)', partition.run_no);
  end loop;
  create temp table known on commit drop as
  select run_no, side, object, field, target_object, dense_rank() over (partition by run_no, side, object order by target_object, field)::smallint as mapping,
    min(target_type) as target_type, min(scale) as scale, min(position) as position, min(rule) as rule
    from intent group by run_no, side, object, target_object, field;
  insert into intent_field (run_no, side, object, mapping, field, account_field, target_type, scale, position, rule)
  select run_no, side, object, mapping, field, field, target_type, scale, position, rule from known;
  insert into intent_set (run_no, side, object, crm, pers, target_id, target_object, mappings, before, after, outcome, code, reason, part, sending)
  select i.run_no, i.side, i.object, i.crm, i.pers, i.target_id, i.target_object, array_agg(k.mapping order by k.mapping),
    put_values('{}', array_agg(k.mapping::integer), array_agg(i.before)), put_values('{}', array_agg(k.mapping::integer), array_agg(i.after)),
    i.outcome, i.code, i.reason, i.part, i.sending
    from intent i join known k using (run_no, side, object, field, target_object)
   group by i.run_no, i.side, i.object, i.crm, i.pers, i.target_id, i.target_object, i.outcome, i.code, i.reason, i.part, i.sending;
end
$body$;
drop table intent;

-- One row for each intent: for reading.
create view intent as
select s.run_no, s.side, s.object, s.crm, s.pers, s.target_id, s.target_object,
  case when s.object = 'contact' and s.target_object = 'Account' then f.account_field else f.field end as field,
  f.position, f.target_type, f.scale, f.rule, s.before[m.mapping] as before, s.after[m.mapping] as after, s.outcome, s.code, s.reason, s.part, s.sending
  from intent_set s
  cross join lateral unnest(s.mappings) as m(mapping)
  join intent_field f on f.run_no = s.run_no and f.side = s.side and f.object = s.object and f.mapping = m.mapping;

-- Values of the mirror with some of them replaced: `positions` says where the value of a mapping is held, null: not touched.
create function put_mapped(held text[], wanted text[], mappings smallint[], positions integer[]) returns text[] language plpgsql immutable parallel safe as $body$
declare
  mapping smallint;
begin
  foreach mapping in array mappings loop
    if positions[mapping] is not null then held[positions[mapping]] := wanted[mapping]; end if;
  end loop;
  return held;
end
$body$;
