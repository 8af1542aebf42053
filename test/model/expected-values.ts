import { objectFacts } from '../../src/domain/objects.ts';
import type { ObjectType } from '../../src/domain/objects.ts';
import { codePoints } from '../match/ids.ts';
import type { WorldPerson } from '../match/match-fixture.ts';
import { referencePlan } from '../plan/reference.ts';
import type { Matched } from './expected-match.ts';
import type { ModelMapping, ModelSettings } from './model-settings.ts';
import { personField } from './sides.ts';
import type { SideRecord, Sides } from './sides.ts';

/** A row of intents.csv; of a refusal's words only the code counts. */
export interface ExpectedIntent {
  readonly row: readonly string[];
  /** Where it goes to. */
  readonly mapping: ModelMapping;
  readonly recordId: string;
  readonly personId: string;
  readonly after: string | null;
  readonly outcome: 'applied' | 'rejected' | 'unchanged';
}

/** R25: what was last sent to a field of a record, and what stood there afterwards. */
export type Sent = ReadonlyMap<string, { readonly after: string | null; readonly seen: string | null }>;

export const sentKey = (object: ObjectType, recordId: string, field: string): string => `${object} ${recordId} ${field}`;

/** R3, R4, R18, R24, R25: what a night has to say of every linked pair's mappings, in the order of intents.csv. */
export function intentsOf(settings: ModelSettings, sides: Sides, matched: Matched, sent: Sent): readonly ExpectedIntent[] {
  const intents = settings.mappings.flatMap((mapping) =>
    [...(matched[mapping.object]?.records ?? [])].flatMap(([recordId, { outcome, personId }]): ExpectedIntent[] => {
      const record = sides.records[mapping.object].find(({ id }) => id === recordId);
      const person = sides.persons[objectFacts[mapping.object].personKind].find(({ id }) => id === personId);
      return outcome === 'linked' && record !== undefined && person !== undefined ? intentOf(mapping, record, person, sent) : [];
    }),
  );
  return intents.toSorted((a, b) => codePoints(a.row.slice(0, 4).join('\0'), b.row.slice(0, 4).join('\0')));
}

function intentOf(mapping: ModelMapping, record: SideRecord, person: WorldPerson, sent: Sent): ExpectedIntent[] {
  const { side, object, from, to, fillBlank } = mapping;
  const ofRecord = (name: string): string | null => (name === 'Id' ? record.id : (record.values[name] ?? null));
  const ofPerson = (name: string): string | null => person.values[name] ?? null;
  const pull = side === 'personalization';
  const before = pull ? ofPerson(to) : ofRecord(to);
  const plan = referencePlan(mapping, pull ? ofRecord(from) : ofPerson(from), before);
  if (plan === null) return [];
  const last = pull ? undefined : sent.get(sentKey(object, record.id, to));
  const byOrg = plan.code === null && last !== undefined && last.after === plan.after && last.seen === before;
  const outcome = plan.code !== null ? 'rejected' : byOrg ? 'unchanged' : 'applied';
  const personAccount = object === 'contact' && record.personAccount;
  const [targetObject, targetId] = personAccount ? ['Account', record.accountId ?? ''] : [objectFacts[object].crmName, record.id];
  const place = pull ? [objectFacts[object].personKind, person.id, to] : [targetObject, targetId, personAccount ? personField(to) : to];
  const rule = fillBlank ? 'fillBlank' : pull ? 'crm' : 'personalization';
  return [
    {
      row: [side, ...place, before ?? '', plan.after ?? '', rule, outcome, plan.code ?? '', byOrg ? 'changedByOrg' : ''],
      mapping,
      recordId: record.id,
      personId: person.id,
      after: plan.after,
      outcome,
    },
  ];
}

/** Both sides once the applied intents stand there. */
export function sidesAfter(settings: ModelSettings, sides: Sides, intents: readonly ExpectedIntent[]): Sides {
  const applied = intents.filter(({ outcome }) => outcome === 'applied');
  const put = (values: Readonly<Record<string, string>>, name: string, value: string | null): Record<string, string> => {
    const { [name]: _, ...rest } = values;
    return value === null || value === '' ? rest : { ...rest, [name]: value };
  };
  const records = (object: ObjectType): SideRecord[] =>
    sides.records[object].map((record) => {
      const own = applied.filter(({ mapping, recordId }) => mapping.side === 'salesforce' && mapping.object === object && recordId === record.id);
      const values = own.reduce((all, { mapping, after }) => put(all, mapping.to, saved(settings, mapping, record, after)), record.values);
      return { ...record, values };
    });
  const persons = (kind: 'user' | 'account'): WorldPerson[] =>
    sides.persons[kind].map((person) => {
      const own = applied.filter(
        ({ mapping, personId }) => mapping.side === 'personalization' && objectFacts[mapping.object].personKind === kind && personId === person.id,
      );
      return { ...person, values: own.reduce((all, { mapping, after }) => put(all, mapping.to, after), person.values) };
    });
  return {
    records: { account: records('account'), contact: records('contact'), lead: records('lead') },
    persons: { user: persons('user'), account: persons('account') },
  };
}

/** What the org makes of a value on save. */
function saved({ noteBecomes }: ModelSettings, { object, to, type }: ModelMapping, record: SideRecord, value: string | null): string | null {
  if (noteBecomes !== null && object === 'contact' && to === 'Note__c' && !record.personAccount) return noteBecomes;
  return type === 'email' ? (value?.toLowerCase() ?? null) : value;
}

/** What is known of the sent values after a night, of which `sides` are the sides. */
export function sentAfter(sent: Sent, sides: Sides, intents: readonly ExpectedIntent[]): Sent {
  const next = new Map(sent);
  for (const { mapping, recordId, after, outcome } of intents) {
    if (outcome !== 'applied' || mapping.side !== 'salesforce') continue;
    const record = sides.records[mapping.object].find(({ id }) => id === recordId);
    next.set(sentKey(mapping.object, recordId, mapping.to), { after, seen: record?.values[mapping.to] ?? null });
  }
  return next;
}

/** One text a value: whoever compares two of these sees what differs. */
export function valueLines(sides: Sides): readonly string[] {
  const records = (['account', 'contact', 'lead'] as const).flatMap((object) =>
    sides.records[object].map(({ id, values }) => JSON.stringify([id, sorted(values)])),
  );
  const persons = (['user', 'account'] as const).flatMap((kind) =>
    sides.persons[kind].map(({ id, values, accountId }) => JSON.stringify([kind, id, accountId ?? '', sorted(values)])),
  );
  return [...records.toSorted(), ...persons.toSorted()];
}

const sorted = (values: Readonly<Record<string, string>>): readonly (readonly [string, string])[] =>
  Object.entries(values).toSorted(([a], [b]) => codePoints(a, b));
