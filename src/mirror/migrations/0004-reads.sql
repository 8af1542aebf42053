-- What the mirror holds of each source: `account`, `contact`, `lead` of Salesforce, `users`, `accounts` of Personalization. It lies with the rows that it speaks of: a mirror that is lost
-- or made anew is read in full.
create table read_state (
  source text primary key,
  -- Hash of the columns in whose order the rows stand; moves with them.
  arrangement text not null,
  -- Salesforce alone. Everything that changed before it is here; moves when a run is settled.
  watermark timestamptz,
  -- When the last full read that counts was begun, by the org's clock.
  full_at timestamptz
);

-- How one run reads one object of Salesforce.
create table object_read (
  run_no bigint not null, object text not null,
  mode text not null check (mode in ('full', 'window')),
  -- Why in full; null of a window.
  reason text,
  -- The window is [window_from, covered_to); of a full read `window_from` is where a window would have begun, null without a watermark.
  window_from timestamptz,
  covered_to timestamptz not null,
  opened_at timestamptz not null,
  -- Where the read stands: src/mirror/reads.ts.
  cursor jsonb not null,
  state text not null check (state in ('reading', 'paused', 'taken', 'failed', 'handedOn')),
  -- Of a read that a cap stopped: since when, carried from run to run (R27).
  waiting_since timestamptz,
  carried boolean not null default false,
  code text,
  -- What a settled run may move the watermark to, and the time of the full read in it.
  watermark_to timestamptz, full_to timestamptz,
  -- Of a full read: changes that no window would have brought.
  missed bigint,
  primary key (run_no, object)
);

-- Records to be read by id, or contacts by their account, because no window brings them: named by the log of deletions, masters of merges, contacts that leads became, contacts of merged accounts.
create table look_up (
  object text not null, named_by text not null check (named_by in ('log', 'bin', 'identity', 'account')), crm_id text collate "C" not null,
  primary key (object, named_by, crm_id)
);

-- Rows of Salesforce that one run may read are handed out page by page (R27): what a page got, until the step ledger says what it read.
create table pull_grant (
  run_no bigint not null, object text not null, part integer not null, records bigint not null, primary key (run_no, object, part)
);

-- R27: false where the read was not complete. Links stand, and nothing else was considered.
alter table match_count add column complete boolean not null default true;

create index crm_record_account_deleted on crm_record_account (crm_id) where ineligible = 'deleted';
create index crm_record_contact_deleted on crm_record_contact (crm_id) where ineligible = 'deleted';
create index crm_record_lead_deleted on crm_record_lead (crm_id) where ineligible = 'deleted';
