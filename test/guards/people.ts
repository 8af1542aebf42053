import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { onTestFinished } from 'vitest';
import { importFeeds } from '../../src/personalization/feeds.ts';
import { orgOf } from '../identity/org.ts';
import type { World } from '../night/world.ts';

/** Contact i, 18 characters: the checksum of these ids is AAA as long as there are no capitals. */
export const contactId = (i: number): string => `003${String(i).padStart(12, '0')}AAA`;
export const userId = (i: number): string => `u${i}`;

export const mappings = `
objects:
  contact:
    pull: [{ from: Title, to: jobTitle }]
    push: [{ from: score, to: Score__c }, { from: note, to: Note__c }]
`;

export interface People {
  /** Contacts and users that name them, from 1 on. */
  readonly count: number;
  readonly settings?: string;
  /** `attribute:note` of user i. */
  readonly note?: (i: number) => string;
}

/** A data directory that is gone after the test: contact i and user i are linked by id, one value flows each way. */
export function peopleDirectory({ count, settings = mappings, note = () => '' }: People): string {
  const folder = mkdtempSync(path.join(tmpdir(), 'crm-sync-people-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const numbers = Array.from({ length: count }, (_, at) => at + 1);
  const write = (name: string, lines: readonly string[]): void => writeFileSync(path.join(folder, name), `${lines.join('\n')}\n`);
  write('Contact.csv', ['Id,LastName,Email,Title', ...numbers.map((i) => `${contactId(i)},Contact ${i},,Title ${i}`)]);
  write('user-1.csv', [
    'userId,attribute:sfcrmContactId,attribute:score,attribute:note,attribute:jobTitle',
    ...numbers.map((i) => `${userId(i)},${contactId(i)},${i},${note(i)},`),
  ]);
  write('schema.json', [JSON.stringify({ Contact: { Score__c: 'number', Note__c: 'text' } })]);
  write('crm-sync.yaml', [settings]);
  return folder;
}

/** New scores of users, as a feed brings them. */
export async function importScores(world: World, scores: Readonly<Record<string, number | string>>): Promise<void> {
  await importUsers(world, ['userId,attribute:score', ...Object.entries(scores).map(([id, score]) => `${id},${score}`)]);
}

export async function importUsers(world: World, lines: readonly string[]): Promise<void> {
  const folder = mkdtempSync(path.join(tmpdir(), 'crm-sync-feed-'));
  const file = path.join(folder, 'user-9.csv');
  writeFileSync(file, `${lines.join('\n')}\n`);
  await importFeeds(world.store, [file], () => undefined);
  rmSync(folder, { recursive: true });
}

export async function deleteContacts(world: World, numbers: readonly number[]): Promise<void> {
  const org = await orgOf(world);
  for (const i of numbers) await org.remove('Contact', contactId(i));
}

export async function setOrg(world: World, settings: object): Promise<void> {
  const answer = await fetch(`${world.simulator.url}/__simulator/settings`, { method: 'POST', body: JSON.stringify(settings) });
  if (!answer.ok) throw new Error(await answer.text());
}

/** Ids of the contacts that were written through the API, and how often. */
export async function writtenContacts(world: World): Promise<Readonly<Record<string, number>>> {
  const rows = (await (await fetch(`${world.simulator.url}/__simulator/updates?object=Contact`)).json()) as readonly {
    id: string;
    updates: number;
  }[];
  return Object.fromEntries(rows.map(({ id, updates }) => [id, updates]));
}
