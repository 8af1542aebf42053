import path from 'node:path';
import type { PoolClient } from 'pg';
import { schemaNames } from '../../src/config/settings.ts';
import type { Settings } from '../../src/config/settings.ts';
import type { Attribute } from '../../src/domain/attributes.ts';
import type { FieldFacts } from '../../src/domain/fields.ts';
import type { ObjectType, PersonKind } from '../../src/domain/objects.ts';
import { beginMatch } from '../../src/mirror/match/begin.ts';
import { candidatePart } from '../../src/mirror/match/candidates.ts';
import type { MatchContext } from '../../src/mirror/match/context.ts';
import { finishMatch } from '../../src/mirror/match/finish.ts';
import { refreshKeys } from '../../src/mirror/match/keys.ts';
import { matchPlan } from '../../src/mirror/match/match-plan.ts';
import { openRunPartitions } from '../../src/mirror/match/partitions.ts';
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
}

/** Both sides as a run finds them, with what earlier nights and people left. */
export interface World {
  readonly records: Readonly<Record<ObjectType, readonly WorldRecord[]>>;
  readonly persons: Readonly<Record<PersonKind, readonly WorldPerson[]>>;
  /** In the order in which they were made. */
  readonly decisions: readonly WorldDecision[];
  /** Open links. */
  readonly links: readonly WorldLink[];
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

/** Puts the world in place of what is there: both sides' records, decisions and open links, in the order given. Returns the last decision's number. */
export async function loadWorld(tx: PoolClient, shape: RunShape, world: World, runNo: number): Promise<number> {
  await tx.query('truncate crm_record, pers_record, decision, link, key_state');
  for (const object of ['account', 'contact', 'lead'] as const)
    await tx.query(sql`
      insert into crm_record (object, crm_id, ineligible, master_id, converted_id, account_id, field_values, changed_run)
      select ${object}, r.id, r.ineligible, r."masterId", r."convertedId", r."accountId", array(
          select r.values ->> f.name from unnest(${shape.crm[object].map(({ name }) => name)}::text[]) with ordinality f (name, at) order by f.at), ${runNo}::bigint
        from jsonb_to_recordset(${JSON.stringify(world.records[object])}::jsonb)
          r (id text, ineligible text, "masterId" text, "convertedId" text, "accountId" text, values jsonb)`);
  for (const kind of ['user', 'account'] as const)
    await tx.query(sql`
      insert into pers_record (kind, pers_id, account_pers_id, field_values, changed_run)
      select ${kind}, p.id, p."accountId", array(
          select p.values ->> f.name from unnest(${shape.persons[kind].map(({ name }) => name)}::text[]) with ordinality f (name, at) order by f.at), ${runNo}::bigint
        from jsonb_to_recordset(${JSON.stringify(world.persons[kind])}::jsonb) p (id text, "accountId" text, values jsonb)`);
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
  /** Puts the parts of a sub-tier in another order. */
  readonly order?: (parts: readonly number[]) => readonly number[];
}

/** All of one run's match, and the links it makes. */
export async function matchWorld(tx: PoolClient, ctx: MatchContext, options: MatchOptions = {}): Promise<void> {
  await openRunPartitions(tx, ctx.runNo);
  for (const object of ['account', 'contact', 'lead'] as const) if (object !== 'lead' || ctx.leads) await matchOne(tx, ctx, object, options);
}

async function matchOne(tx: PoolClient, ctx: MatchContext, object: ObjectType, options: MatchOptions): Promise<void> {
  await refreshKeys(tx, ctx.shape, object, ctx.runNo, { everything: false });
  const begun = await beginMatch(tx, ctx, object);
  const parts = options.parts ?? begun.parts;
  const numbers = Array.from({ length: parts }, (_, part) => part);
  for (const { index } of matchPlan(ctx.shape, object, ctx.leads).subTiers) {
    for (const part of options.order?.(numbers) ?? numbers) await candidatePart(tx, ctx, object, index, part, parts);
    await settleSubTier(tx, ctx, object, index);
  }
  await finishMatch(tx, ctx, object);
}
