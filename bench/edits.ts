import pg from 'pg';
import type { StackFile } from '../src/local/stack-file.ts';
import { createSalesforce } from '../src/salesforce/side.ts';
import { idFromNumber } from '../simulator/src/ids.ts';

/** Records of one call of the collections API. */
const recordsPerCall = 200;

function partOf<K extends keyof StackFile>(stack: StackFile, name: K): NonNullable<StackFile[K]> {
  const part = stack[name];
  if (part === undefined) throw new Error(`the stack has no ${name}`);
  return part;
}

/** Moves the org's clock: the next night then looks for changes since an hour before, and no longer at what the last one wrote. */
export async function letAnHourPass(stack: StackFile): Promise<void> {
  const answer = await fetch(`${partOf(stack, 'salesforce').url}/__simulator/settings`, {
    method: 'POST',
    body: JSON.stringify({ advanceSeconds: 3_600 }),
  });
  if (!answer.ok) throw new Error(`the simulator's clock could not be moved: ${answer.status}`);
}

export interface Edited {
  readonly contacts: number;
  readonly users: number;
}

/**
 * Changes a share of both sides, by their own ways in: every n-th contact gets another title, with `keys` every tenth of those another e-mail address as well, which matches nobody; every n-th user another engagement score. Both
 * sides' records are not the same ones.
 */
export async function editShare(stack: StackFile, contacts: number, share: number, keys: boolean): Promise<Edited> {
  const every = Math.round(1 / share);
  const numbers = Array.from({ length: Math.floor(contacts / every) }, (_, at) => 1 + at * every);
  const { url, clientId, clientSecret } = partOf(stack, 'salesforce');
  const salesforce = createSalesforce({ loginUrl: url, apiVersion: '66.0', auth: { flow: 'clientCredentials', clientId, clientSecret } });
  let changed = 0;
  try {
    for (let at = 0; at < numbers.length; at += recordsPerCall) {
      const rows = numbers.slice(at, at + recordsPerCall).map((number, place) => ({
        id: idFromNumber('003', number),
        values: { Title: `Changed ${number}`, ...(keys && place % 10 === 0 ? { Email: `changed.${number}@new.example` } : {}) },
      }));
      const results = await salesforce.updateRows('Contact', rows);
      changed += results.filter(({ ok }) => ok).length;
    }
  } finally {
    await salesforce.close();
  }
  const store = new pg.Client({ connectionString: partOf(stack, 'personalization').url });
  await store.connect();
  try {
    const users = await store.query(
      `update personalization.profile_user set attributes = attributes || '{"engagementScore": "99.5"}' where person_no % $1 = 2`,
      [every],
    );
    return { contacts: changed, users: users.rowCount ?? 0 };
  } finally {
    await store.end();
  }
}
