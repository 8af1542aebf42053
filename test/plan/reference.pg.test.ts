import fc from 'fast-check';
import { afterAll, expect, test } from 'vitest';
import { loadSettings } from '../../src/config/load.ts';
import type { Attribute } from '../../src/domain/attributes.ts';
import type { CrmFieldType, FieldFacts } from '../../src/domain/fields.ts';
import { openRunPartitions } from '../../src/mirror/match/partitions.ts';
import { noteMappings } from '../../src/mirror/plan/intent-fields.ts';
import { planPart } from '../../src/mirror/plan/plan.ts';
import type { RunShape } from '../../src/mirror/run-shape.ts';
import { sql } from '../../src/postgres/sql.ts';
import { testDatabaseUrl } from '../services/database.ts';
import { mirrorDatabase } from './mirror-database.ts';
import { referencePlan } from './reference.ts';
import type { ReferenceMapping } from './reference.ts';

const database = await mirrorDatabase(await testDatabaseUrl());
afterAll(() => database.close());

const crmTypes = ['double', 'int', 'boolean', 'date', 'datetime', 'email', 'string'] as const satisfies readonly CrmFieldType[];
const attributeTypes = ['text', 'number', 'boolean', 'date', 'dateTime'] as const;
const variants = ['', ', rule: fillBlank', ', onNull: clear', ', rule: fillBlank, onNull: clear'] as const;
const length = 12;

const fact = (name: string, type: CrmFieldType): FieldFacts => ({
  name,
  type,
  length: type === 'string' || type === 'email' ? length : 0,
  precision: 18,
  scale: 6,
  updateable: true,
  calculated: false,
  nillable: true,
  restrictedPicklist: false,
});

/** Every type as a target, under every rule; the source is text, as a store holds it. */
const pushes = crmTypes.flatMap((type) => variants.map((variant, at) => ({ type, variant, from: `p_${type}_${at}`, to: `T_${type}_${at}__c` })));
const pulls = attributeTypes.flatMap((type) => variants.map((variant, at) => ({ type, variant, from: `S_${type}_${at}__c`, to: `t_${type}_${at}` })));

const settings = loadSettings({
  env: {},
  text: `objects:\n  contact:\n    push:\n${pushes.map(({ from, to, variant }) => `      - { from: ${from}, to: ${to}${variant} }`).join('\n')}
    pull:\n${pulls.map(({ from, to, variant }) => `      - { from: ${from}, to: ${to}${variant} }`).join('\n')}\n`,
});
const user: readonly Attribute[] = [
  ...pushes.map(({ from }): Attribute => ({ name: from, type: 'text' })),
  ...pulls.map(({ to, type }): Attribute => ({ name: to, type })),
];
const shape: RunShape = {
  settings,
  crm: { account: [], lead: [], contact: [...pushes.map(({ to, type }) => fact(to, type)), ...pulls.map(({ from }) => fact(from, 'textarea'))] },
  identityFields: { account: ['Id'], contact: ['Id'], lead: ['Id'] },
  persons: { account: [], user },
};

const any = (...values: string[]): fc.Arbitrary<string> => fc.constantFrom(...values);
const held = {
  double: any('0', '7', '-0.5', '1200.5', '1000'),
  number: any('0', '7', '-0.5', '1200.5', '1000'),
  int: any('0', '7', '-12', '1000'),
  boolean: any('true', 'false'),
  date: any('2026-11-23', '2028-02-29', '2026-11-24'),
  datetime: any('2026-11-23T10:00:00.000Z', '2026-11-23T00:00:00.000Z', '2028-02-29T23:59:59.000Z'),
  dateTime: any('2026-11-23T10:00:00.000Z', '2026-11-23T00:00:00.000Z', '2028-02-29T23:59:59.123Z'),
  email: any('ann@x.example', 'bo@x.example'),
  string: any('a', 'A', 'a b', '7', 'x'.repeat(length), 'é', '🌞'),
  text: any('a', 'A', ' a ', '7', '7.0', 'é', '🌞', 'true'),
} as const;
/** What a source may hold: the spellings of every type, and what is no value of any. */
const loose = any(
  ...['', ' ', '\u00a0', '7', '7.0', '+7', ' 8 ', '1e3', '.5', '-0', '-0.50', '1,000', '0x10', 'NaN', 'Infinity', '1200.50', 'many'],
  ...[
    'true',
    'FALSE',
    ' true',
    'yes',
    '2026-11-23',
    '2026-02-30',
    '2028-02-29',
    '23.11.2026',
    '2026-11-23T12:00:00+02:00',
    '2026-11-23T10:00:00.4Z',
    '2026-11-23T24:00:00Z',
  ],
  ...[
    '2028-02-29T23:59:59.123+0000',
    'Ann@X.example',
    ' bo@x.example',
    'a',
    ' A',
    'a b',
    'x'.repeat(length),
    'y'.repeat(length + 1),
    '🌞'.repeat(length),
    '🌞',
    'e\u0301',
    'é',
  ],
);

interface Pair {
  readonly crm: readonly (string | null)[];
  readonly user: readonly (string | null)[];
}

const orNull = (values: fc.Arbitrary<string>): fc.Arbitrary<string | null> => fc.option(values, { freq: 4, nil: null });
const pair: fc.Arbitrary<Pair> = fc.record({
  crm: fc.tuple(...pushes.map(({ type }) => (type === 'boolean' ? held.boolean : orNull(held[type]))), ...pulls.map(() => orNull(loose))),
  user: fc.tuple(...pushes.map(() => orNull(loose)), ...pulls.map(({ type }) => orNull(held[type]))),
});

const mappingOf = (type: ReferenceMapping['type'], variant: string, side: 'push' | 'pull'): ReferenceMapping => ({
  type,
  fillBlank: variant.includes('fillBlank'),
  clear: variant.includes('clear'),
  // An attribute that is cleared is absent, whatever its type; a checkbox of the CRM is false.
  length: side === 'pull' ? -1 : type === 'string' || type === 'email' ? length : 0,
});

function expectedOf(pairs: readonly Pair[]): string[] {
  return pairs.flatMap((each, n) => [
    ...pushes.flatMap(({ type, variant, to }, at) =>
      shown(n, to, referencePlan(mappingOf(type, variant, 'push'), each.user[at] ?? null, each.crm[at] ?? null), each.crm[at] ?? null),
    ),
    ...pulls.flatMap(({ type, variant, to }, at) => {
      const before = each.user[pushes.length + at] ?? null;
      return shown(n, to, referencePlan(mappingOf(type, variant, 'pull'), each.crm[pushes.length + at] ?? null, before), before);
    }),
  ]);
}

function shown(n: number, field: string, plan: ReturnType<typeof referencePlan>, before: string | null): string[] {
  return plan === null ? [] : [JSON.stringify([n, field, before, plan.after, plan.code])];
}

let runNo = 0;

async function planOf(pairs: readonly Pair[], parts: number): Promise<string[]> {
  runNo += 1;
  await openRunPartitions(database, runNo);
  return database.transaction(async (tx) => {
    await tx.query('delete from crm_record');
    await tx.query('delete from pers_record');
    const id = (n: number): string => `003${String(n).padStart(12, '0')}AAA`;
    for (const [n, { crm, user: values }] of pairs.entries())
      await tx.query(sql`
        with c as (insert into crm_record (object, crm_id, field_values, changed_run) values ('contact', ${id(n)}, ${crm}::text[], 1) returning rec),
             p as (insert into pers_record (kind, pers_id, field_values, changed_run) values ('user', ${`u${n}`}, ${values}::text[], 1) returning rec)
        insert into crm_outcome (run_no, object, rec, outcome, sub_tier, pers) select ${runNo}, 'contact', c.rec, 'linked', 'id', p.rec from c, p`);
    await noteMappings(tx, { runNo, shape }, 'contact');
    for (let part = 0; part < parts; part++) await planPart(tx, { runNo, shape }, 'contact', part, parts);
    const { rows } = await tx.query<{ n: number; field: string; before: string | null; after: string | null; code: string | null }>(sql`
      select substr(c.crm_id, 4, 12)::integer as n, field, before, after, code from intent i join crm_record c on c.object = 'contact' and c.rec = i.crm where i.run_no = ${runNo}`);
    return rows.map(({ n, field, before, after, code }) => JSON.stringify([n, field, before, after, code]));
  });
}

test('R24 the plan equals a plain reading of the rule, for every type, rule and spelling, in any number of parts', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(pair, { minLength: 1, maxLength: 25 }), fc.integer({ min: 1, max: 4 }), async (pairs, parts) => {
      expect((await planOf(pairs, parts)).toSorted()).toEqual(expectedOf(pairs).toSorted());
    }),
    { numRuns: 40 },
  );
});
