
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
