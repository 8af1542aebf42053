-- R13: of the decisions on one pair the last one counts. Each run looks at those up to its own `decision_seq`.
create function pair_state(up_to bigint) returns table (object text, crm_id text, pers_id text, kind text) language sql stable
begin atomic
  select distinct on (d.object, d.crm_id, d.pers_id) d.object, d.crm_id, d.pers_id, d.kind
    from decision d where d.seq <= up_to and d.pers_id is not null order by d.object, d.crm_id, d.pers_id, d.seq desc;
end;

create function pin_now(up_to bigint) returns table (object text, crm_id text, pers_id text) language sql stable
begin atomic
  select s.object, s.crm_id, s.pers_id from pair_state(up_to) s where s.kind = 'pin';
end;

create function block_now(up_to bigint) returns table (object text, crm_id text, pers_id text, kind text) language sql stable
begin atomic
  select s.object, s.crm_id, s.pers_id, s.kind from pair_state(up_to) s where s.kind in ('block', 'unlink');
end;

-- The history of one record: what a link that ended may come back from (R21).
create index link_ended on link (object, crm_id) where ended_run is not null;
