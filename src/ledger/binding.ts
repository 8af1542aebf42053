import { Failure } from '../domain/failure.ts';
import type { Queryable } from '../postgres/database.ts';
import { sql } from '../postgres/sql.ts';

type Side = 'salesforce' | 'personalization';

/**
 * Binds the ledger to one org and one store at the first run; another one later is refused with `OTHER_ORG` or `OTHER_STORE`. `named` begins the sentence that tells
 * who names the other one.
 */
export async function bind(database: Queryable, side: Side, externalId: string, named = 'the settings name'): Promise<void> {
  await database.query(sql`insert into binding (side, external_id) values (${side}, ${externalId}) on conflict (side) do nothing`);
  await refuseOther(database, side, externalId, named);
}

/** The same without binding: false if the ledger is not bound to anything yet. */
export async function refuseOther(database: Queryable, side: Side, externalId: string, named = 'the settings name'): Promise<boolean> {
  const found = await database.query<{ external_id: string }>(sql`select external_id from binding where side = ${side}`);
  const bound = found.rows[0]?.external_id;
  if (bound === undefined) return false;
  if (bound === externalId) return true;
  const what = side === 'salesforce' ? 'org' : 'store';
  throw new Failure(`${named} the ${what} ${externalId}, but this sync is bound to ${bound}`, {
    kind: 'permanent',
    code: side === 'salesforce' ? 'OTHER_ORG' : 'OTHER_STORE',
    exitCode: 2,
    remedy: `connect the ${what} it is bound to, or give the new pair a sync of its own with another \`name\``,
  });
}
