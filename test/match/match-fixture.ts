import path from 'node:path';
import type { PoolClient } from 'pg';
import { schemaNames } from '../../src/config/settings.ts';
import type { Settings } from '../../src/config/settings.ts';
import type { Attribute } from '../../src/domain/attributes.ts';
import type { FieldFacts } from '../../src/domain/fields.ts';
import type { ObjectType, PersonKind } from '../../src/domain/objects.ts';
import { matchAccountsByContacts } from '../../src/mirror/match/accounts-by-contacts.ts';
import { beginMatch } from '../../src/mirror/match/begin.ts';
import { begunPlan } from '../../src/mirror/match/begun.ts';
import { candidatePart } from '../../src/mirror/match/candidates.ts';
import type { MatchContext } from '../../src/mirror/match/context.ts';
import { finishMatch } from '../../src/mirror/match/finish.ts';
import { keySides, refreshKeys } from '../../src/mirror/match/keys.ts';
import { openRunPartitions } from '../../src/mirror/match/partitions.ts';
import { noteInputs, repeatMatch } from '../../src/mirror/match/repeat.ts';
import { settleSubTier } from '../../src/mirror/match/settle.ts';
import type { RunShape } from '../../src/mirror/run-shape.ts';
import { Database } from '../../src/postgres/database.ts';
import { migrate } from '../../src/postgres/migrate.ts';
import { sql } from '../../src/postgres/sql.ts';

export interface WorldRecord {
  readonly id: string;
  readonly values: Readonly<Record<string, string>>;
  readonly ineligible?: 'deleted' | 'converted' | 'personAccount';
  readonly masterId?: string;
  readonly convertedId?: string;
  readonly accountId?: string;
}

export interface WorldPerson {
  readonly id: string;
  readonly accountId?: string;
  readonly values: Readonly<Record<string, string>>;
}

export interface WorldDecision {
  readonly kind: 'pin' | 'unpin' | 'block' | 'unblock' | 'unlink';
  readonly object: ObjectType;
  readonly crmId: string;
  readonly persId: string;
}

export interface WorldLink {
  readonly object: ObjectType;
  readonly crmId: string;
  readonly persId: string;
  readonly subTier: string;
  readonly crmField: string | null;
  readonly attribute: string | null;
  /** What the link's record was merged into, for when nobody knows that record any more (R20). */
  readonly heir?: string;
}

/** Both sides as a run finds them, with what earlier nights and people left. */
export interface World {
  readonly records: Readonly<Record<ObjectType, readonly WorldRecord[]>>;
  readonly persons: Readonly<Record<PersonKind, readonly WorldPerson[]>>;
  /** In the order in which they were made. */
  readonly decisions: readonly WorldDecision[];
  /** Open links. */
  readonly links: readonly WorldLink[];
  /** Links whose record was deleted (R21), the newest last. */
  readonly tombstones?: readonly WorldLink[];
}

export const emptyWorld: World = { records: { account: [], contact: [], lead: [] }, persons: { user: [], account: [] }, decisions: [], links: [] };

export const textField = (name: string): FieldFacts => ({
  name,
  type: 'string',
  length: 255,
  precision: 0,
  scale: 0,
  updateable: true,
  calculated: false,
  nillable: true,
  restrictedPicklist: false,
});
export const attribute = (name: string): Attribute => ({ name, type: 'text' });

const people = ['Email', 'Name', 'Loyalty__c', 'Phone'].map(textField);

/** The columns that every test fetches, whatever the settings. */
export function testShape(settings: Settings): RunShape {
  return {
    settings,
    crm: { account: ['Name', 'Region__c', 'Phone'].map(textField), contact: people, lead: people },
    identityFields: { account: [], contact: [], lead: [] },
    persons: {
      user: ['sfcrmContactId', 'sfcrmLeadId', 'emailAddress', 'name', 'loyalty', 'card', 'phone'].map(attribute),
      account: ['sfcrmAccountId', 'name', 'region', 'phone'].map(attribute),
    },
  };
}

/** A database with both schemas. */
export async function matchDatabase(url: string): Promise<Database> {
  const { ledger, mirror } = schemaNames('crm-sync');
  const database = new Database({ url, searchPath: [mirror, ledger] });
  for (const [schema, place] of [
    [ledger, 'src/ledger/migrations'],
    [mirror, 'src/mirror/migrations'],
  ] as const)
    await migrate(database, schema, path.resolve(place));
  return database;
}

/** Takes the world for what both sides hold tonight: what is new is added, what differs is changed, what is not in it is forgotten. Links and decisions stay. */
export async function absorbWorld(tx: PoolClient, shape: RunShape, world: World, runNo: number): Promise<void> {
  for (const object of ['account', 'contact', 'lead'] as const)
    await tx.query(sql`
      with incoming as (
        select r.id, r.ineligible, r."masterId", r."convertedId", r."accountId", array(
            select r.values ->> f.name from unnest(${shape.crm[object].map(({ name }) => name)}::text[]) with ordinality f (name, at) order by f.at) as values
          from jsonb_to_recordset(${JSON.stringify(world.records[object])}::jsonb)
            r (id text, ineligible text, "masterId" text, "convertedId" text, "accountId" text, values jsonb)),
      gone as (delete from crm_record r where r.object = ${object} and not exists (select from incoming i where i.id = r.crm_id))
      insert into crm_record as r (object, crm_id, ineligible, master_id, converted_id, account_id, field_values, changed_run)
      select ${object}, id, ineligible, "masterId", "convertedId", "accountId", values, ${runNo}::bigint from incoming
      on conflict (object, crm_id) do update set ineligible = excluded.ineligible, master_id = excluded.master_id, converted_id = excluded.converted_id,
        account_id = excluded.account_id, field_values = excluded.field_values, changed_run = excluded.changed_run
       where (r.ineligible, r.master_id, r.converted_id, r.account_id, r.field_values)
         is distinct from (excluded.ineligible, excluded.master_id, excluded.converted_id, excluded.account_id, excluded.field_values)`);
  for (const kind of ['user', 'account'] as const)
    await tx.query(sql`
      with incoming as (
        select p.id, p."accountId", array(
            select p.values ->> f.name from unnest(${shape.persons[kind].map(({ name }) => name)}::text[]) with ordinality f (name, at) order by f.at) as values
          from jsonb_to_recordset(${JSON.stringify(world.persons[kind])}::jsonb) p (id text, "accountId" text, values jsonb)),
      gone as (delete from pers_record p where p.kind = ${kind} and not exists (select from incoming i where i.id = p.pers_id))
      insert into pers_record as p (kind, pers_id, account_pers_id, field_values, changed_run)
      select ${kind}, id, "accountId", values, ${runNo}::bigint from incoming
      on conflict (kind, pers_id) do update set account_pers_id = excluded.account_pers_id, field_values = excluded.field_values, changed_run = excluded.changed_run
       where (p.account_pers_id, p.field_values) is distinct from (excluded.account_pers_id, excluded.field_values)`);
}

/** Puts the world in place of what is there: both sides' records, decisions and open links, in the order given. Returns the last decision's number. */
export async function loadWorld(tx: PoolClient, shape: RunShape, world: World, runNo: number): Promise<number> {
  await tx.query('truncate crm_record, pers_record, decision, link, key_state, forgotten');
  await absorbWorld(tx, shape, world, runNo);
  await tx.query(sql`
    insert into link (object, crm_id, pers_id, sub_tier, crm_field, attribute, made_run)
    select object, "crmId", "persId", "subTier", "crmField", attribute, 'earlier'
      from jsonb_to_recordset(${JSON.stringify(world.links)}::jsonb)
        l (object text, "crmId" text, "persId" text, "subTier" text, "crmField" text, attribute text)`);
  await tx.query(sql`
    insert into decision (object, crm_id, pers_id, kind, decided_by)
    select d ->> 'object', d ->> 'crmId', d ->> 'persId', d ->> 'kind', 'test'
      from jsonb_array_elements(${JSON.stringify(world.decisions)}::jsonb) with ordinality x (d, at) order by at`);
  const last = await tx.query<{ seq: number }>(sql`select coalesce(max(seq), 0) as seq from decision`);
  return last.rows[0]?.seq ?? 0;
}

export interface MatchOptions {
  readonly parts?: number;
  readonly listedPairs?: number;
  /** Outcomes of an earlier night are used again where nothing changed, as a night does; called with each object that this was so of. */
  readonly onRepeat?: (object: ObjectType) => void;
  /** Puts the parts of a sub-tier in another order. */
  readonly order?: (parts: readonly number[]) => readonly number[];
}

/** All of one run's match. */
export async function matchWorld(tx: PoolClient, ctx: MatchContext, options: MatchOptions = {}): Promise<void> {
  await openRunPartitions(tx, ctx.runNo);
  await matchOne(tx, ctx, 'account', options);
  await matchOne(tx, ctx, 'contact', options);
  if (ctx.shape.settings.objects.account.accountFromContacts) await matchAccountsByContacts(tx, ctx);
  if (ctx.leads) await matchOne(tx, ctx, 'lead', options);
}

async function matchOne(tx: PoolClient, ctx: MatchContext, object: ObjectType, options: MatchOptions): Promise<void> {
  for (const side of keySides) await refreshKeys(tx, ctx.shape, object, side, ctx.runNo);
  const { repeated, inputs } = options.onRepeat === undefined ? { repeated: false, inputs: null } : await repeatMatch(tx, ctx, object);
  if (repeated) {
    options.onRepeat?.(object);
    await finishMatch(tx, ctx, object);
    return;
  }
  const begun = await beginMatch(tx, ctx, object);
  if (options.onRepeat !== undefined) await noteInputs(tx, ctx, object, inputs);
  const parts = options.parts ?? begun.parts;
  const numbers = Array.from({ length: parts }, (_, part) => part);
  for (const { index } of (await begunPlan(tx, ctx, object)).subTiers) {
    for (const part of options.order?.(numbers) ?? numbers) await candidatePart(tx, ctx, object, index, part, parts);
    await settleSubTier(tx, ctx, object, index);
  }
  await finishMatch(tx, ctx, object);
}
