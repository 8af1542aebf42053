import { setImmediate as nextTurn } from 'node:timers/promises';
import { converter, inserter } from './loader.ts';
import type { Org } from './org.ts';
import type { ObjectType } from './schema.ts';
import { syntheticAccount, syntheticContact, syntheticCounts, syntheticLead } from './synthetic.ts';
import type { SyntheticRecord } from './synthetic.ts';

const rowsPerTransaction = 20_000;
const customFields = [
  ['Loyalty_Number__c', 'text'],
  ['Engagement_Score__c', 'number'],
  ['Last_Activity__c', 'datetime'],
  ['Segments__c', 'text'],
] as const;

/** Fills the org with the records of `synthetic.ts`, a transaction for each 20,000. */
export async function loadSynthetic(org: Org, { contacts, seed }: { readonly contacts: number; readonly seed: number }): Promise<void> {
  org.store.addCustomFields(
    (['Contact', 'Lead'] as const).flatMap((object) => customFields.map(([name, type]) => ({ object, name, type, scale: 10 }))),
  );
  const counts = syntheticCounts(contacts);
  await fill(org, 'Account', counts.Account, (i) => syntheticAccount(seed, i));
  await fill(org, 'Contact', counts.Contact, (i) => syntheticContact(seed, i, contacts));
  await fill(org, 'Lead', counts.Lead, (i) => syntheticLead(seed, i, contacts));
}

async function fill(org: Org, object: string, count: number, make: (i: number) => SyntheticRecord): Promise<void> {
  if (count === 0) return;
  const type = org.store.type(object) as ObjectType;
  const names = Object.keys(make(1)).filter((name) => name !== 'Id');
  const converters = names.map((name) => {
    const field = type.byName.get(name.toLowerCase());
    if (field === undefined) throw new Error(`the synthetic ${object} has no field ${name}`);
    return converter(field, org.settings.keepEmailCase);
  });
  const insert = inserter(org, type, names);
  for (let from = 1; from <= count; from += rowsPerTransaction) {
    org.store.transaction(() => {
      for (let i = from; i < from + rowsPerTransaction && i <= count; i += 1) {
        const record = make(i);
        insert(
          record['Id'] ?? '',
          names.map((name, index) => converters[index]?.(record[name] ?? '') ?? null),
        );
      }
    });
    await nextTurn();
  }
}
