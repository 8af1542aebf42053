import type { PoolClient } from 'pg';
import { sql, raw } from '../../postgres/sql.ts';
import { mergedSql } from './aliases.ts';
import { runTables } from './context.ts';
import type { MatchContext } from './context.ts';

export interface AccountsByContacts {
  readonly linked: number;
  readonly stopped: number;
}

/**
 * R15, after accounts and contacts have been matched: a Personalization account that is unmatched takes the AccountId of the matched contacts of its users, if those that
 * name an eligible account all name the same and that account is unmatched as well. Accounts that several claim are `ambiguous`. Does nothing the second time.
 */
export async function matchAccountsByContacts(tx: PoolClient, ctx: MatchContext): Promise<AccountsByContacts> {
  const account = runTables(ctx, 'account');
  const contact = runTables(ctx, 'contact');
  await tx.query(sql`
    create temp table claim on commit drop as
    with recursive ${raw(mergedSql(['account']))},
    vote as (
      select distinct p.rec as pers, a.rec as crm
        from pers_record_account p
        join pers_record_user u on normalised(u.account_pers_id) = normalised(p.pers_id)
        join ${contact.crmOutcome} o on o.pers = u.rec and o.outcome = 'linked'
        join ${contact.crmRecord} c on c.rec = o.rec
        cross join lateral (select id18(normalised(c.account_id), '001') as id) named
        left join merged m on m.crm_id = named.id
        join ${account.crmRecord} a on a.crm_id = coalesce(m.master_id, named.id) and a.ineligible is null
       where not is_blank(u.account_pers_id) and not exists (select from ${account.persOutcome} s where s.rec = p.rec)),
    single as (select pers, min(crm) as crm from vote group by pers having count(*) = 1)
    select s.pers, s.crm, count(*) over (partition by s.crm) as claims
      from single s join ${account.crmOutcome} o on o.rec = s.crm and o.outcome = 'unmatched'
     where not exists (
       select from block_now(${ctx.decisionSeq}) b join ${account.crmRecord} a on a.crm_id = b.crm_id join pers_record_account p on p.pers_id = b.pers_id
        where b.object = 'account' and a.rec = s.crm and p.rec = s.pers)`);
  const linked = await tx.query(sql`
    update ${account.crmOutcome} o set outcome = 'linked', sub_tier = 'contacts', pers = c.pers from claim c where c.crm = o.rec and c.claims = 1`);
  const stopped = await tx.query(sql`
    update ${account.crmOutcome} o set outcome = 'ambiguous', sub_tier = 'contacts', candidate_count = c.n, candidates = c.first
      from (select c.crm, count(*) as n, (array_agg(c.pers order by p.pers_id))[1:50] as first
              from claim c join pers_record_account p on p.rec = c.pers where c.claims > 1 group by c.crm) c
     where c.crm = o.rec`);
  await tx.query(sql`
    insert into ${account.persOutcome} (run_no, object, rec, outcome)
    select ${ctx.runNo}::bigint, 'account', pers, case when claims = 1 then 'linked' else 'stopped' end from claim`);
  await tx.query(sql`drop table claim`);
  return { linked: linked.rowCount ?? 0, stopped: stopped.rowCount ?? 0 };
}
