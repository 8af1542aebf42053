import type { Readable } from 'node:stream';
import { copyCsv } from '../mirror/copy-out.ts';
import type { Database } from '../postgres/database.ts';

/** intents.csv of a run: every intent, sorted by side, object, id and field by code point. A run that is forgotten has none: the header alone. */
export function intentsCsv(database: Database, runNo: number): Readable {
  return csvOf(database, runNo, '');
}

/** rejects.csv: the intents that were rejected. */
export function rejectsCsv(database: Database, runNo: number): Readable {
  return csvOf(database, runNo, `and outcome = 'rejected'`);
}

function csvOf(database: Database, runNo: number, condition: string): Readable {
  if (!Number.isSafeInteger(runNo)) throw new RangeError('not the number of a run');
  const query = `
    select side, target_object as object, target_id as id, field, nullif(before, '') as before, nullif(after, '') as after, rule, outcome, code, reason
      from intent where run_no = ${runNo} ${condition}
     order by side collate "C", target_object collate "C", target_id collate "C", field collate "C"`;
  return copyCsv(database, query, { quoted: false }).csv;
}
