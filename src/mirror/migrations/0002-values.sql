-- Values as the type of a field or an attribute reads them (R6, R24). Nothing here raises: what cannot be read is null.
-- Values that are canonical already, nearly all of them, cost one regular expression.

-- Any decimal, sign and exponent allowed: its shortest text without exponent (`7`, `0.5`, `-12`). The limits, 15,000 characters and an exponent of 400, are
-- those of PostgreSQL's numeric and more than any field of either side holds.
create function read_number(v text) returns text language sql immutable parallel safe
  return case
    when octet_length(v) <= 15000
     and btrim(v, white_space()) ~ '^[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?0*([0-9]{1,2}|[123][0-9]{2}|400))?$'
    then trim_scale(btrim(v, white_space())::numeric)::text
  end;

create function canonical_number(v text) returns text language sql immutable parallel safe
  return case when v ~ '^(0|-?[1-9][0-9]*|-?(0|[1-9][0-9]*)\.[0-9]*[1-9])$' and octet_length(v) <= 15000 then v else read_number(v) end;

-- A day that the calendar has, or null.
create function day_of(y integer, m integer, d integer) returns date language sql immutable parallel safe
  return case
    when y between 1 and 9999 and m between 1 and 12 and d >= 1 and d <= case m
      when 2 then case when y % 4 = 0 and (y % 100 <> 0 or y % 400 = 0) then 29 else 28 end
      when 4 then 30 when 6 then 30 when 9 then 30 when 11 then 30 else 31 end
    then make_date(y, m, d)
  end;

-- An ISO date, or an ISO date-time with `Z`, an offset with or without colon, or none, which is read as UTC: the instant in UTC. Digits beyond milliseconds are dropped.
create function read_instant(v text) returns text language plpgsql immutable parallel safe as $body$
declare
  t text := btrim(v, white_space());
  zone text := '';
  clock text := '';
  fraction text := '';
  day date;
  instant timestamp;
begin
  -- Groups that capture would cost forty times as much: what the pattern lets through is cut by position.
  if t !~ '^[0-9]{4}-[0-9]{2}-[0-9]{2}([Tt ][0-9]{2}:[0-9]{2}(:[0-9]{2}([.,][0-9]+)?)?([Zz]|[+-][0-9]{2}(:?[0-9]{2})?)?)?$' then return null; end if;
  day := day_of(substr(t, 1, 4)::integer, substr(t, 6, 2)::integer, substr(t, 9, 2)::integer);
  if day is null then return null; end if;
  -- `hh:mm`, `hh:mm:ss` and what follows; then the zone, `Z`, `+hh`, `+hhmm` or `+hh:mm`, is cut off.
  clock := rtrim(substr(t, 12), 'Zz');
  if position('+' in clock) > 0 then zone := substr(clock, position('+' in clock));
  elsif position('-' in clock) > 0 then zone := substr(clock, position('-' in clock));
  end if;
  clock := left(clock, length(clock) - length(zone));
  fraction := substr(clock, 10, 3);
  if left(clock, 2) > '23' or substr(clock, 4, 2) > '59' or substr(clock, 7, 2) > '59' or substr(zone, 2, 2) > '23' or right(zone, 2) > '59' and length(zone) > 3
  then return null; end if;
  instant := day + make_interval(hours => ('0' || left(clock, 2))::integer, mins => ('0' || substr(clock, 4, 2))::integer, secs => ('0' || substr(clock, 7, 2))::integer)
    - make_interval(hours => (left(zone, 1) || '0' || substr(zone, 2, 2))::integer, mins => (left(zone, 1) || '0' || case when length(zone) > 3 then right(zone, 2) else '' end)::integer);
  if extract(year from instant) not between 1 and 9999 then return null; end if;
  return to_char(instant, 'YYYY-MM-DD"T"HH24:MI:SS.') || rpad(fraction, 3, '0') || 'Z';
end
$body$;

create function canonical_instant(v text) returns text language sql immutable parallel safe
  return case
    when v ~ '^[1-9][0-9]{3}-((0[1-9]|1[0-2])-(0[1-9]|1[0-9]|2[0-8])|(0[13-9]|1[0-2])-(29|30)|(0[13578]|1[02])-31)T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]\.[0-9]{3}Z$' then v
    else read_instant(v)
  end;

-- `YYYY-MM-DD`; of a date-time its day in UTC.
create function canonical_date(v text) returns text language sql immutable parallel safe
  return case
    when v ~ '^[1-9][0-9]{3}-((0[1-9]|1[0-2])-(0[1-9]|1[0-9]|2[0-8])|(0[13-9]|1[0-2])-(29|30)|(0[13578]|1[02])-31)$' then v
    else left(read_instant(v), 10)
  end;

create function canonical_boolean(v text) returns text language sql immutable parallel safe
  return case when v in ('true', 'false') then v when lower_case(btrim(v, white_space())) in ('true', 'false') then lower_case(btrim(v, white_space())) end;

-- What a field of Salesforce holds, by the type that a describe gives: the form in which the mirror keeps it. The empty text is null, as Salesforce does not
-- tell them apart. A value without its type's form stays as it is: it equals nothing, and is seen.
create function canonical_value(type text, v text) returns text language sql immutable parallel safe
  return case
    when v is null or v = '' then null
    when type in ('double', 'currency', 'percent', 'int', 'long') then coalesce(canonical_number(v), v)
    when type = 'boolean' then coalesce(canonical_boolean(v), v)
    when type = 'date' then coalesce(canonical_date(v), v)
    when type = 'datetime' then coalesce(canonical_instant(v), v)
    else v
  end;

-- Numbers are equal if they are at the digits that the field keeps after the point.
create function at_scale(n text, scale integer) returns text language sql immutable parallel safe
  return case when position('.' in n) = 0 or length(n) - position('.' in n) <= scale then n else trim_scale(round(n::numeric, scale))::text end;

-- What a source becomes as a value of a target's type, or null if it cannot be read as it (R24). Types are Salesforce's (`double`, `datetime`, ...) or those of
-- attributes (`text`, `number`, `dateTime`); every other is text of Salesforce, which trims it. Sources are not blank.
create function wanted_value(type text, v text) returns text language sql immutable parallel safe
  return case
    when type = 'text' then v
    when type in ('number', 'double', 'currency', 'percent') then canonical_number(v)
    when type in ('int', 'long') then case when position('.' in canonical_number(v)) = 0 then canonical_number(v) end
    when type = 'boolean' then canonical_boolean(v)
    when type = 'date' then canonical_date(v)
    when type in ('dateTime', 'datetime') then canonical_instant(v)
    else btrim(v, white_space())
  end;

-- A set of picks, in order.
create function pick_set(v text) returns text language sql immutable parallel safe
begin atomic
  select string_agg(distinct pick, ';' order by pick) from unnest(string_to_array(v, ';')) picks(pick);
end;

-- Two values of a target are the same if these texts are: numbers by value, instants by time (Salesforce keeps seconds), e-mail without case, picks as a set, null and empty alike.
-- Without a subquery of its own, so that it is inlined: of a constant type one branch is left. Numbers in canonical form with no more digits than kept, nearly all of them, are as they stand.
create function comparable(type text, scale integer, v text) returns text language sql immutable parallel safe
  return case
    when v is null or v = '' then null
    when type = 'text' then v
    when type in ('number', 'int', 'long') then coalesce(canonical_number(v), v)
    when type in ('double', 'currency', 'percent') then
      case when v ~ '^(0|-?[1-9][0-9]*|-?(0|[1-9][0-9]*)\.[0-9]*[1-9])$' and octet_length(v) <= 15000 and (position('.' in v) = 0 or length(v) - position('.' in v) <= scale) then v
        else coalesce(at_scale(canonical_number(v), scale), v) end
    when type = 'boolean' then coalesce(canonical_boolean(v), v)
    when type = 'date' then coalesce(canonical_date(v), v)
    when type = 'dateTime' then coalesce(canonical_instant(v), v)
    when type = 'datetime' then coalesce(left(canonical_instant(v), 19), v)
    when type = 'email' then nullif(lower_case(btrim(v, white_space())), '')
    when type = 'multipicklist' then pick_set(v)
    when type in ('id', 'reference') then left(btrim(v, white_space()), 15)
    else nullif(btrim(v, white_space()), '')
  end;

-- The values with some of them replaced, by their positions.
create function put_values(held text[], positions integer[], wanted text[]) returns text[] language plpgsql immutable parallel safe as $body$
begin
  for i in 1 .. cardinality(positions) loop
    held[positions[i]] := wanted[i];
  end loop;
  return held;
end
$body$;

-- An intent names the pair by its numbers in the mirror. `position`: where the mirror holds the target's value, null where it must not be touched before the
-- next read (values that match keys are made of). `sending`: it may have been sent; only a look at the target tells. `part`: the unit in which it is sent.
alter table intent
  drop column rec_id,
  add column crm bigint not null,
  add column pers bigint not null,
  add column position integer,
  add column sending boolean not null default false;
create index intent_part on intent (part, target_id);

-- Units of sending, numbered from 0 in each run: part 7 of a run holds the intents whose `part` is `chunk`.
create table apply_part (
  run_no bigint not null, part integer not null,
  side text not null, object text not null, target_object text not null,
  path text not null check (path in ('store', 'collections', 'bulk')),
  chunk integer not null,
  records integer not null,
  primary key (run_no, part),
  unique (run_no, side, object, chunk)
);
