// Writes the dump of a ledger as its first migration makes it: `node scripts/ledger-dump.ts`. Once a version is out, its dump is never written again: what changes afterwards is a migration.
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';

const here = path.join(import.meta.dirname, '../test/ledger/dumps');
const first = readFileSync(path.join(import.meta.dirname, '../src/ledger/migrations/0001-ledger.sql'), 'utf8');
const opened = `create schema crm_sync_ledger;
set search_path = crm_sync_ledger;
create table migration (version integer primary key, name text not null, applied_at timestamptz not null default now());

`;
writeFileSync(path.join(here, '0001-ledger.dump.sql'), opened + first + readFileSync(path.join(here, 'rows.sql'), 'utf8'));
