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
  part text[] := regexp_match(btrim(v, white_space()),
    '^([0-9]{4})-([0-9]{2})-([0-9]{2})(?:[Tt ]([0-9]{2}):([0-9]{2})(?::([0-9]{2})(?:[.,]([0-9]+))?)?(?:[Zz]|([+-])([0-9]{2})(?::?([0-9]{2}))?)?)?$');
  day date;
  instant timestamp;
begin
  if part is null then return null; end if;
  day := day_of(part[1]::integer, part[2]::integer, part[3]::integer);
  if day is null or part[4]::integer > 23 or part[5]::integer > 59 or part[6]::integer > 59 or part[9]::integer > 23 or part[10]::integer > 59 then return null; end if;
  instant := day + make_interval(hours => coalesce(part[4], '0')::integer, mins => coalesce(part[5], '0')::integer, secs => coalesce(part[6], '0')::integer)
    - make_interval(hours => (coalesce(part[8], '+') || coalesce(part[9], '0'))::integer, mins => (coalesce(part[8], '+') || coalesce(part[10], '0'))::integer);
  if extract(year from instant) not between 1 and 9999 then return null; end if;
  return to_char(instant, 'YYYY-MM-DD"T"HH24:MI:SS.') || rpad(left(coalesce(part[7], ''), 3), 3, '0') || 'Z';
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
