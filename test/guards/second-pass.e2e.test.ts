import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import type { RunResult } from '../../src/domain/progress.ts';
import { orgOf } from '../identity/org.ts';
import { atStep, holdAt } from '../night/hold.ts';
import { inWorld } from '../night/in-world.ts';
import type { World } from '../night/world.ts';
import { testNamespace } from '../services/namespace.ts';
import { contactId, importScores, mappings, peopleDirectory, writtenContacts } from './people.ts';
import { handleOf, openLinks, progressOf, reaches, trippedOf, waitingRun } from './waiting.ts';

const temporal = await testNamespace();
const leadId = (i: number): string => `00Q${String(i).padStart(12, '0')}EAA`;
const numbers = [1, 2, 3, 4];

/** Contacts and leads with a user each. */
function contactsAndLeads(): string {
  const settings = `${mappings}  lead:\n    pull: [{ from: Title, to: leadTitle }]\n`;
  const folder = peopleDirectory({ count: 4, settings });
  writeFileSync(path.join(folder, 'Lead.csv'), ['Id,LastName,Title', ...numbers.map((i) => `${leadId(i)},Lead ${i},Title ${i}`), ''].join('\n'));
  writeFileSync(
    path.join(folder, 'user-2.csv'),
    ['userId,attribute:sfcrmLeadId,attribute:leadTitle', ...numbers.map((i) => `l${i},${leadId(i)},`), ''].join('\n'),
  );
  return folder;
}

const leadLinks = async (world: World): Promise<number> => (await openLinks(world)).filter((pair) => pair.startsWith('00Q')).length;

/** A run without leads, one of which is deleted meanwhile; they come on once its own links are real. It waits for an answer when this returns. */
async function waitingSecondPass(
  world: World,
): Promise<{ readonly run: string; readonly digest: string; readonly result: () => Promise<RunResult> }> {
  await world.setLeads(true);
  expect((await world.night()).status).toBe('success');
  expect(await leadLinks(world)).toBe(4);
  await world.setLeads(false);
  const org = await orgOf(world);
  await org.remove('Lead', leadId(1));
  await importScores(world, { u1: 100 });
  await org.overtaken();
  const hold = await holdAt(world, atStep('apply.reserve'));
  const { run, result } = await world.start();
  await hold.reached();
  await world.setLeads(true);
  await expect.poll(async () => (await progressOf(world)).leads, { timeout: 30_000, interval: 50 }).toBe(true);
  await hold.release();
  const { planDigest, plan } = await reaches(world, 'awaitingApproval');
  expect(trippedOf(plan?.guards ?? [])).toEqual(['linksEnded lead: 1 of 4', 'recordsGone lead: 1 of 4']);
  // The first pass is done.
  expect((await writtenContacts(world))[contactId(1)]).toBe(2);
  expect(await leadLinks(world)).toBe(4);
  return { run, digest: planDigest ?? '', result };
}

test('R16 a guard that trips for leads which come on during a run waits for approval; approved, they are a pass of it', async () => {
  await inWorld({ data: contactsAndLeads(), temporal, overrides: { approval: 'guards' } }, async (world) => {
    const { run, digest, result } = await waitingSecondPass(world);
    await handleOf(world).executeUpdate('approve', { args: [digest] });
    expect(await result()).toEqual({ run, status: 'success' });
    expect(await leadLinks(world)).toBe(3);
    const { report } = await world.files(run);
    expect([report.leadsEnabled, report.objects.lead.outcomes.linked, report.objects.lead.outcomes.ineligible]).toEqual([true, 3, 1]);
  });
});

test('R16 rejected, the leads take no part in that run, what it applied stays, and the next one asks again', async () => {
  await inWorld({ data: contactsAndLeads(), temporal, overrides: { approval: 'guards' } }, async (world) => {
    const { run, result } = await waitingSecondPass(world);
    await handleOf(world).executeUpdate('reject');
    expect(await result()).toEqual({ run, status: 'success' });
    expect(await leadLinks(world)).toBe(4);
    const { report, records } = await world.files(run);
    expect([report.leadsEnabled, report.objects.contact.outcomes.linked, report.objects.lead.outcomes.linked]).toEqual([false, 4, 0]);
    expect(records).not.toContain('Lead,');
    const next = await waitingRun(world);
    expect(next.tripped).toEqual(['linksEnded lead: 1 of 4', 'recordsGone lead: 1 of 4']);
    expect((await next.approve()).status).toBe('success');
    expect(await leadLinks(world)).toBe(3);
  });
});
