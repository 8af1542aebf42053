import { text } from 'node:stream/consumers';
import { parse } from 'csv-parse/sync';
import type { ObjectType } from '../../src/domain/objects.ts';
import { decide } from '../../src/ledger/decisions.ts';
import type { DecisionKind } from '../../src/ledger/decisions.ts';
import { commitLinks } from '../../src/ledger/links.ts';
import type { CommittedLinks } from '../../src/ledger/links.ts';
import { recordsCsv } from '../../src/operator/records.ts';
import type { Database } from '../../src/postgres/database.ts';
import { sql } from '../../src/postgres/sql.ts';
import { load } from '../config/failure.ts';
import { absorbWorld, emptyWorld, matchWorld, testShape } from './match-fixture.ts';
import type { WorldPerson, WorldRecord } from './match-fixture.ts';
import { id18 } from './ids.ts';

const prefixes = { a: '001', c: '003', l: '00Q' } as const;
const objectOf = { a: 'account', c: 'contact', l: 'lead' } as const satisfies Record<string, ObjectType>;

/** `c1` is contact 003000000000001AAA. */
export function idOf(short: string): string {
  const prefix = prefixes[short.charAt(0) as keyof typeof prefixes];
  return id18(prefix + short.slice(1).padStart(12, '0'), prefix) ?? '';
}

type Cells = Readonly<Record<string, string>>;
export interface Night {
  /** By short id; `ineligible`, `masterId` (short), `convertedId` (short) and `accountId` (short) say what they say, all else are fields. */
  readonly records: Readonly<Record<string, Cells>>;
  readonly users: Readonly<Record<string, Cells>>;
  readonly accounts?: Readonly<Record<string, Cells>>;
  /** `later`: switched on when the links of contacts have become real. */
  readonly leads?: boolean | 'later';
}

/** Several nights over one ledger: what becomes of links when either side changes, and when somebody decides. */
export class Nights {
  readonly database: Database;
  readonly #settings;
  committed: CommittedLinks = { made: 0, kept: 0, ended: 0 };

  constructor(database: Database, yaml = '') {
    this.database = database;
    this.#settings = load(yaml);
  }

  async decide(kind: DecisionKind, crm: string, persId: string): Promise<void> {
    await this.database.transaction((tx) => decide(tx, { kind, object: objectOf[crm.charAt(0) as 'c'], crmId: idOf(crm), persId, by: 'test' }));
  }

  /** A night: short id -> `outcome subTier person reason`, candidates behind, for all records. */
  async night({ records, users, accounts = {}, leads = false }: Night): Promise<Record<string, string>> {
    const shape = testShape(this.#settings);
    const of = (letter: 'a' | 'c' | 'l'): WorldRecord[] =>
      Object.entries(records)
        .filter(([short]) => short.startsWith(letter))
        .map(([short, { ineligible, masterId, convertedId, accountId, ...values }]) => ({
          id: idOf(short),
          values,
          ...(ineligible === undefined ? {} : { ineligible: ineligible as 'deleted' }),
          ...(masterId === undefined ? {} : { masterId: idOf(masterId) }),
          ...(convertedId === undefined ? {} : { convertedId: idOf(convertedId) }),
          ...(accountId === undefined ? {} : { accountId: idOf(accountId) }),
        }));
    const persons = (cells: Readonly<Record<string, Cells>>): WorldPerson[] =>
      Object.entries(cells).map(([id, { accountId, ...values }]) => ({ id, values, ...(accountId === undefined ? {} : { accountId }) }));
    const runNo = (nextRun += 1);
    await this.database.transaction(async (tx) => {
      await absorbWorld(
        tx,
        shape,
        {
          ...emptyWorld,
          records: { account: of('a'), contact: of('c'), lead: of('l') },
          persons: { user: persons(users), account: persons(accounts) },
        },
        runNo,
      );
      const last = await tx.query<{ seq: number }>(sql`select coalesce(max(seq), 0) as seq from decision`);
      const ctx = { runNo, run: `run-${runNo}`, shape, decisionSeq: last.rows[0]?.seq ?? 0, leads: leads !== false };
      if (leads === 'later') {
        await matchWorld(tx, { ...ctx, leads: false });
        await commitLinks(tx, ctx);
        await tx.query(sql`
          insert into run (run_no, run, kind, workflow_id, settings, settings_hash, decision_seq, leads, finished_at, links_committed_at) overriding system value
          values (${runNo}, ${ctx.run}, 'night', 'test', '{}', '', 0, false, now(), now())`);
      }
      await matchWorld(tx, ctx);
      this.committed = await commitLinks(tx, ctx);
    });
    const shorts = new Map(Object.keys(records).map((short) => [idOf(short), short]));
    const rows = parse(await text(recordsCsv(this.database, runNo)), { from_line: 2 });
    return Object.fromEntries(
      rows.map(([, id = '', outcome, person, subTier, , , reason, , candidates]) => [
        shorts.get(id) ?? id,
        [outcome, subTier, person, reason, candidates].filter((cell) => cell !== '').join(' '),
      ]),
    );
  }

  /** Links that ended: `c1 u1 reason`. */
  async ended(): Promise<string[]> {
    const found = await this.database.query<{ crm_id: string; pers_id: string; ended_reason: string }>(sql`
      select crm_id, pers_id, ended_reason from link where ended_run is not null order by link_no`);
    return found.rows.map(({ crm_id, pers_id, ended_reason }) => `${shortOf(crm_id)} ${pers_id} ${ended_reason}`);
  }

  async open(): Promise<string[]> {
    const found = await this.database.query<{ crm_id: string; pers_id: string; sub_tier: string }>(sql`
      select crm_id, pers_id, sub_tier from link where ended_run is null order by object, crm_id`);
    return found.rows.map(({ crm_id, pers_id, sub_tier }) => `${shortOf(crm_id)} ${pers_id} ${sub_tier}`);
  }
}

let nextRun = 0;

function shortOf(id: string): string {
  const letter = Object.entries(prefixes).find(([, prefix]) => id.startsWith(prefix))?.[0] ?? '';
  return letter + id.slice(3, 15).replace(/^0+/, '');
}

/** Nights that begin with nothing. */
export async function freshNights(database: Database, yaml = ''): Promise<Nights> {
  await database.query('truncate link, decision, run, crm_record, pers_record, key_state, forgotten');
  return new Nights(database, yaml);
}

/** A contact and a user with one address. */
export const pair = { records: { c1: { Email: 'a@x' } }, users: { u1: { emailAddress: 'a@x' } } } as const;
