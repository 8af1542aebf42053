create schema crm_sync_ledger;
set search_path = crm_sync_ledger;
create table migration (version integer primary key, name text not null, applied_at timestamptz not null default now());

-- What cannot be fetched again. Small, logged, backed up.

create table binding (
  side text primary key check (side in ('salesforce', 'personalization')),
  external_id text not null,
  bound_at timestamptz not null default now()
);

create table run (
  run_no bigint generated always as identity unique,
  run text primary key,
  kind text not null check (kind in ('night', 'preview')),
  status text not null default 'running'
    check (status in ('running', 'awaitingApproval', 'success', 'partial', 'failed', 'preview', 'rejected', 'cancelled', 'skipped')),
  attempt integer not null default 1,
  workflow_id text not null,
  settings jsonb not null,
  settings_hash text not null,
  decision_seq bigint not null,
  leads boolean not null,
  -- Counts from 1; a reset or a continued run is a newer attempt and fences the older one.
  plan_digest text,
  links_committed_at timestamptz,
  started_at timestamptz not null default now(),
  finished_at timestamptz,
  api_calls bigint not null default 0,
  -- What the run may use of the org's daily requests, and what it leaves of them.
  api_budget bigint not null default 0,
  api_reserve bigint not null default 0,
  report jsonb
);
-- R5: two runs never overlap.
create unique index one_open_run on run ((true)) where finished_at is null;

create table lead_switch (
  one boolean primary key default true check (one),
  enabled boolean not null,
  revision bigint not null,
  changed_at timestamptz not null default now()
);

create table object_state (
  object text primary key,
  field_set_hash text,
  key_hash text,
  watermark timestamptz,
  read_complete_at timestamptz
);

create table link (
  link_no bigint generated always as identity primary key,
  object text not null check (object in ('account', 'contact', 'lead')),
  crm_id text collate "C" not null,
  -- R23: null once the person is gone.
  pers_id text collate "C",
  sub_tier text not null,
  crm_field text,
  attribute text,
  made_run text not null,
  made_at timestamptz not null default now(),
  ended_run text,
  ended_at timestamptz,
  ended_reason text,
  check ((ended_run is null) = (ended_reason is null)),
  check (pers_id is not null or ended_run is not null)
);
-- R9: one to one.
create unique index link_record on link (object, crm_id) where ended_run is null;
create unique index link_person on link (object, pers_id) where ended_run is null;

create table decision (
  seq bigint generated always as identity primary key,
  object text not null,
  crm_id text collate "C" not null,
  -- R23: null once the person is gone; then it decides nothing any more.
  pers_id text collate "C",
  kind text not null check (kind in ('pin', 'unpin', 'block', 'unblock', 'unlink')),
  decided_by text not null,
  decided_at timestamptz not null default now(),
  note text
);
create index decision_pair on decision (object, crm_id, pers_id, seq);

-- R25: what was last sent, and what the org made of it.
create table written (
  side text not null,
  object text not null,
  rec_id text collate "C" not null,
  field text not null,
  sent text,
  seen text,
  seen_known boolean not null default false,
  sent_at timestamptz not null default now(),
  run text not null,
  primary key (side, object, rec_id, field)
) with (fillfactor = 80);

-- Records that a cap kept from being written (R27), and since which run: the longest waiting go first.
create table waiting (
  object text not null, rec_id text collate "C" not null, since_run bigint not null, primary key (object, rec_id)
);

-- How many persons and records there were when a run last became real: what guards compare with. `owner`: user and account for persons, an object for records.
create table known (
  side text not null check (side in ('crm', 'pers')), owner text not null, known bigint not null, primary key (side, owner)
);

create table write_job (
  job_no bigint generated always as identity primary key,
  run text not null,
  object text not null,
  part integer not null,
  path text not null check (path in ('bulk', 'collections')),
  columns text[] not null,
  api_version text not null,
  attempt integer not null default 1,
  state text not null default 'reserved' check (state in ('reserved', 'open', 'submitted', 'sending', 'done', 'abandoned')),
  sf_job_id text,
  rows_sent integer not null default 0,
  csv_sha256 text,
  ok integer, failed integer, unprocessed integer, missing integer,
  opened_at timestamptz not null default now()
);
create unique index one_live_job on write_job (run, object, part) where state not in ('done', 'abandoned');

-- A small state: two runs, links in force and ended, decisions, what was written. All of it made up.
insert into migration (version, name) values (1, '0001-ledger.sql');
insert into binding (side, external_id) values ('salesforce', '00D000000000001EAA'), ('personalization', '6f1c1f0e-0000-4000-8000-000000000001');
insert into run (run, kind, status, workflow_id, settings, settings_hash, decision_seq, leads, plan_digest, links_committed_at, started_at, finished_at, api_calls, api_budget, report) values
  ('20260930T020000Z-1a2b3c4d', 'night', 'success', 'crm-sync-run', '{"settings": {}}', 'h1', 0, false, 'd1', '2026-09-30T02:00:30Z', '2026-09-30T02:00:00Z', '2026-09-30T02:01:00Z', 29, 20000,
    '{"run": "20260930T020000Z-1a2b3c4d", "status": "success"}'),
  ('20261001T020000Z-5e6f7a8b', 'night', 'running', 'crm-sync-run', '{"settings": {}}', 'h1', 2, true, null, null, '2026-10-01T02:00:00Z', null, 3, 20000, null);
insert into lead_switch (enabled, revision) values (true, 4);
insert into object_state (object, field_set_hash) values ('contact', 'f1');
insert into link (object, crm_id, pers_id, sub_tier, crm_field, attribute, made_run, made_at, ended_run, ended_at, ended_reason) values
  ('contact', '003000000000001AAA', 'u1', 'email', 'Email', 'emailAddress', '20260930T020000Z-1a2b3c4d', '2026-09-30T02:00:30Z', null, null, null),
  ('contact', '003000000000002AAA', 'u2', 'pin', null, null, '20260930T020000Z-1a2b3c4d', '2026-09-30T02:00:30Z', null, null, null),
  ('account', '001000000000001AAA', 'a1', 'name', 'Name', 'name', '20260930T020000Z-1a2b3c4d', '2026-09-30T02:00:30Z', '20261001T020000Z-5e6f7a8b', '2026-10-01T02:00:30Z', 'deleted');
insert into decision (object, crm_id, pers_id, kind, decided_by, note) values
  ('contact', '003000000000002AAA', 'u2', 'pin', 'ann@desk', 'asked Bob'), ('contact', '003000000000003AAA', 'u3', 'block', 'ann@desk', null), ('contact', '003000000000003AAA', 'u3', 'unblock', 'bob@desk', null),
  ('contact', '003000000000004AAA', 'u3', 'unlink', 'bob@desk', null);
insert into written (side, object, rec_id, field, sent, seen, seen_known, run) values ('salesforce', 'Contact', '003000000000001AAA', 'Title', 'Boss', 'boss', true, '20260930T020000Z-1a2b3c4d');
insert into write_job (run, object, part, path, columns, api_version, state, sf_job_id, rows_sent) values ('20260930T020000Z-1a2b3c4d', 'Contact', 0, 'bulk', '{Id,Title}', '66.0', 'done', '750000000000001AAA', 1);
