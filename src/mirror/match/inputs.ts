import { createHash } from 'node:crypto';
import type { PoolClient } from 'pg';
import { objectFacts } from '../../domain/objects.ts';
import type { ObjectType } from '../../domain/objects.ts';
import { hasCommitted } from '../../ledger/links-again.ts';
import { identifier, sql } from '../../postgres/sql.ts';
import { runTables } from './context.ts';
import type { MatchContext } from './context.ts';
import { matchPlan } from './match-plan.ts';

/**
 * All that the match of an object depends on, as a hash: keys, who is there and who they are, links, decisions, settings; for contacts with leads on those of leads as well (R19), for leads
 * the contacts' match of the same run (R17). Null if that match must not be used again. The keys must be up to date.
 */
export async function matchInputs(tx: PoolClient, ctx: MatchContext, object: ObjectType): Promise<string | null> {
  // A run that makes its links real a second time matches by those of its start.
  if (await hasCommitted(tx, ctx)) return null;
  // Accounts by contacts (R15) are settled after the accounts' match, by what contacts became.
  if (object === 'account' && ctx.shape.settings.objects.account.accountFromContacts) return null;
  const parts: unknown[] = [
    matchPlan(ctx.shape, object, ctx.leads),
    ctx.shape.settings.ignoreValues,
    await keysOf(tx, object),
    await decisionsOf(tx, ctx),
    await identityOf(tx, ctx, object),
  ];
  if (object === 'contact' && ctx.leads) parts.push(await identityOf(tx, ctx, 'lead'));
  if (object === 'lead') {
    const contacts = await tx.query<{ inputs: string | null }>(sql`
      select inputs from match_count where run_no = ${ctx.runNo} and object = 'contact' and counts is not null`);
    const held = contacts.rows[0]?.inputs ?? null;
    if (held === null) return null;
    parts.push(held);
  }
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex');
}

async function keysOf(tx: PoolClient, object: ObjectType): Promise<unknown> {
  const found = await tx.query(sql`select side, keys_no, plan_hash from key_state where object = ${object} order by side`);
  return found.rows;
}

/** Decisions are only added to; one whose person is gone loses the person's id. */
async function decisionsOf(tx: PoolClient, { decisionSeq }: MatchContext): Promise<unknown> {
  const found = await tx.query(sql`select max(seq) as last, count(pers_id) as live from decision where seq <= ${decisionSeq}`);
  return found.rows;
}

/** Who is there, who they are, and how they are linked. */
async function identityOf(tx: PoolClient, ctx: MatchContext, object: ObjectType): Promise<unknown> {
  const kind = objectFacts[object].personKind;
  const found = await tx.query(sql`
    select (select max(rec) from ${runTables(ctx, object).crmRecord}) as records,
      (select max(rec) from ${identifier(`pers_record_${kind}`)}) as persons,
      (select max(no) from identity_change where owner = ${object}) as "recordChanges",
      (select max(no) from identity_change where owner = ${kind === 'account' ? 'person account' : kind}) as "personChanges",
      (select concat_ws(' ', count(*), sum(hash_record_extended((link_no, sub_tier, crm_field, attribute, pers_id is null, ended_reason, ended_run, entered_run, forgotten_run, heir_id), 0))) from link l where l.object = ${object}) as links`);
  return found.rows;
}
