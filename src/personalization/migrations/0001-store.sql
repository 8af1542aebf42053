-- The profile store: users and accounts with their attributes as exact text.

-- Which store this is: stays with the data when the server moves.
create table store (
  only_one boolean primary key default true check (only_one),
  identity uuid not null default gen_random_uuid()
);
insert into store default values;

create table attribute (
  kind text not null check (kind in ('user', 'account')),
  name text collate "C" not null check (name <> ''),
  type text not null check (type in ('text', 'number', 'boolean', 'date', 'dateTime')),
  primary key (kind, name)
);

-- attributes: name -> text. A blank value is an absent key.
-- person_no: place in a read, which must not be personal data. Half of each page is left free, so that a night's updates happen in place (HOT).
create table profile_user (
  user_id text collate "C" primary key check (user_id <> ''),
  person_no bigint generated always as identity unique,
  account_id text,
  attributes jsonb not null default '{}'
) with (fillfactor = 50);

create table profile_account (
  account_id text collate "C" primary key check (account_id <> ''),
  person_no bigint generated always as identity unique,
  attributes jsonb not null default '{}'
) with (fillfactor = 50);

-- What came of each batch of writes, in their order: the same key again is answered from here.
create table crm_sync_batch (
  batch_key text collate "C" primary key,
  kind text not null,
  results jsonb not null,
  at timestamptz not null default now()
);

-- One person's rows of a feed, laid over each other in order: of each attribute the last value stands.
create aggregate merged(jsonb) (sfunc = jsonb_concat, stype = jsonb, initcond = '{}');
