import type { Queryable } from '../../postgres/database.ts';
import { sql } from '../../postgres/sql.ts';

/**
 * What an approval names: a digest of the run's links and of its planned intents, whatever their order, their numbers or what became of them since. Sums of
 * two independent 64-bit hashes: one pass, no sort; `offset 0`: each text is made once.
 */
export async function planDigest(tx: Queryable, runNo: number): Promise<string> {
  const { rows } = await tx.query<{ digest: string }>(sql`
    select md5(concat_ws(' ', i.n, i.a, i.b, f.n, f.a, f.b, l.n, l.a, l.b)) as digest
      from (select count(*) as n, sum(hashtextextended(t, 1)) as a, sum(hashtextextended(t, 2)) as b
              from (select row(side, target_object, target_id, mappings, before, after)::text as t from intent_set where run_no = ${runNo} offset 0) planned) i,
           (select count(*) as n, sum(hashtextextended(t, 1)) as a, sum(hashtextextended(t, 2)) as b
              from (select row(side, object, mapping, field, rule)::text as t from intent_field where run_no = ${runNo} offset 0) mapped) f,
           (select count(*) as n, sum(hashtextextended(t, 1)) as a, sum(hashtextextended(t, 2)) as b
              from (select row(object, rec, pers)::text as t from crm_outcome where run_no = ${runNo} and outcome = 'linked' offset 0) linked) l`);
  return rows[0]?.digest ?? '';
}
