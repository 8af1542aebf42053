import { Readable } from 'node:stream';
import { to as copyTo } from 'pg-copy-streams';
import { objectFacts, objectTypes } from '../domain/objects.ts';
import type { ObjectType } from '../domain/objects.ts';
import { databaseFailure } from '../postgres/database.ts';
import type { Database } from '../postgres/database.ts';

const header = 'object,salesforceId,outcome,personalizationId,subTier,salesforceField,personalizationField,reason,candidateCount,candidates';

/**
 * records.csv: one row for every CRM record of a run whose object was matched, sorted by object and id (R26); UTF-8, RFC 4180, LF. Streamed from
 * the database on a connection of its own, all rows of one moment; a reader that stops early ends it.
 */
export function recordsCsv(database: Database, runNo: number): Readable {
  return Readable.from(rows(database, runNo), { objectMode: false });
}

async function* rows(database: Database, runNo: number): AsyncGenerator<Uint8Array> {
  const client = await database.pool.connect().catch((error: unknown) => {
    throw databaseFailure(error, 'the ledger');
  });
  let finished = false;
  const onError = (error: Error): void => void error;
  client.on('error', onError);
  try {
    await client.query('begin isolation level repeatable read read only');
    yield Buffer.from(`${header}\n`);
    for (const object of objectTypes) {
      const copy = client.query(copyTo(`copy (${rowsSql(runNo, object)}) to stdout (format csv)`));
      for await (const chunk of copy) yield chunk as Uint8Array;
    }
    await client.query('commit');
    finished = true;
  } catch (error) {
    throw databaseFailure(error, 'the ledger');
  } finally {
    client.off('error', onError);
    client.release(!finished);
  }
}

/** Columns that are null are empty cells. `;` and `\` in an id get a `\` before them. Numbers and names of ours alone: COPY takes no parameters. */
function rowsSql(runNo: number, object: ObjectType): string {
  const { crmName, personKind } = objectFacts[object];
  return `
    select '${crmName}', r.crm_id, o.outcome, p.pers_id, o.sub_tier, o.crm_field, o.attribute, o.reason, o.candidate_count, c.ids
      from crm_outcome o
      join crm_record r on r.object = '${object}' and r.rec = o.rec
      left join pers_record p on p.kind = '${personKind}' and p.rec = o.pers
      left join lateral (
        select string_agg(replace(replace(q.pers_id, E'\\\\', E'\\\\\\\\'), ';', E'\\\\;'), ';' order by q.pers_id) as ids
          from unnest(o.candidates) k (rec) join pers_record q on q.kind = '${personKind}' and q.rec = k.rec
         where o.candidates is not null) c on true
     where o.run_no = ${runNo} and o.object = '${object}'
     order by r.crm_id`;
}
