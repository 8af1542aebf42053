import { createHash } from 'node:crypto';
import type { PoolClient } from 'pg';
import { objectFacts } from '../domain/objects.ts';
import type { ObjectType } from '../domain/objects.ts';
import type { Queryable } from '../postgres/database.ts';
import { sql } from '../postgres/sql.ts';
import type { RunShape } from './run-shape.ts';
import type { StageName } from './stage.ts';

/** What a run reads of a source, in which order and as which types, as a hash: rows of another arrangement cannot be read with this run's positions. */
export function arrangementOf(shape: RunShape, source: StageName): string {
  const columns =
    source === 'users' || source === 'accounts'
      ? shape.persons[source === 'users' ? 'user' : 'account'].map(({ name, type }) => [name, type])
      : [shape.identityFields[source], shape.crm[source].map(({ name, type }) => [name, type])];
  return createHash('sha256').update(JSON.stringify(columns)).digest('hex').slice(0, 32);
}

/** Where the persons of an object come from. */
export function personSource(object: ObjectType): 'users' | 'accounts' {
  return objectFacts[object].personKind === 'user' ? 'users' : 'accounts';
}

/** To be called with the rows' own change, in its transaction. */
export async function noteArrangement(tx: PoolClient, shape: RunShape, source: StageName): Promise<void> {
  await tx.query(sql`
    insert into read_state (source, arrangement) values (${source}, ${arrangementOf(shape, source)})
    on conflict (source) do update set arrangement = excluded.arrangement`);
}

/** Whether the mirror's rows of an object, of both sides, stand in the order that the run's positions mean. */
export async function arrangedAs(tx: Queryable, shape: RunShape, object: ObjectType): Promise<boolean> {
  const found = await tx.query<{ source: string; arrangement: string }>(sql`
    select source, arrangement from read_state where source = any(${[object, personSource(object)]})`);
  const held = new Map(found.rows.map(({ source, arrangement }) => [source, arrangement]));
  return [object, personSource(object)].every((source) => held.get(source) === arrangementOf(shape, source));
}
