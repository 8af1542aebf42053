import { setTimeout as delay } from 'node:timers/promises';
import jsforce from 'jsforce';
import type { Connection } from 'jsforce';
import { tokenOf } from '../../simulator/test/token.ts';
import type { OrgAddress } from '../../simulator/test/token.ts';

type Fields = Readonly<Record<string, string | number | boolean | null>>;
interface Answer {
  readonly success: boolean;
  readonly id?: string;
  readonly contactId?: string;
  readonly errors?: unknown;
}

/** What users of the CRM do between nights, by the org's public API: REST, and the SOAP partner API for what REST lacks. Every call throws unless the org did it. */
export interface Org {
  readonly create: (object: string, fields: Fields) => Promise<string>;
  readonly change: (object: string, id: string, fields: Fields) => Promise<void>;
  readonly remove: (object: string, id: string) => Promise<void>;
  readonly undelete: (id: string) => Promise<void>;
  /** Out of the recycle bin, for good. */
  readonly purge: (id: string) => Promise<void>;
  readonly merge: (object: string, master: string, losers: readonly string[]) => Promise<void>;
  /** Returns the contact's id: a new one, unless it is named. */
  readonly convert: (lead: string, into?: { readonly contactId: string; readonly accountId: string }) => Promise<string>;
  readonly read: (object: string, id: string) => Promise<Readonly<Record<string, unknown>>>;
  /** Until the org's clock is past the last change: what changes in the second in which a night reads is the next night's. */
  readonly overtaken: () => Promise<void>;
}

const lookEveryMs = 50;

export async function orgOf({ simulator }: { readonly simulator: OrgAddress }): Promise<Org> {
  const connection: Connection = new jsforce.Connection({
    instanceUrl: simulator.url,
    accessToken: await tokenOf(simulator),
    version: '66.0',
    logLevel: 'NONE',
  });
  const clock = async (): Promise<string> => (await fetch(`${simulator.url}/services/data`)).headers.get('date') ?? '';
  let changedAt = '';
  const soap = async (operation: 'merge' | 'convertLead' | 'undelete' | 'emptyRecycleBin', request: unknown): Promise<Answer> => {
    const call = connection.soap[operation] as (request: unknown) => Promise<Answer | readonly Answer[]>;
    const answers = [await call.call(connection.soap, request)].flat();
    const [answer] = answers;
    if (answer === undefined || answers.some(({ success }) => !success)) throw new Error(`${operation}: ${JSON.stringify(answers)}`);
    changedAt = await clock();
    return answer;
  };
  const done = async (what: string, answers: unknown): Promise<Answer> => {
    const [answer] = [answers].flat() as Answer[];
    if (answer?.success !== true) throw new Error(`${what}: ${JSON.stringify(answers)}`);
    changedAt = await clock();
    return answer;
  };
  return {
    create: async (object, fields) => (await done('create', await connection.sobject(object).create(fields))).id ?? '',
    change: async (object, id, fields) => void (await done('update', await connection.sobject(object).update({ Id: id, ...fields }))),
    remove: async (object, id) => void (await done('delete', await connection.sobject(object).destroy(id))),
    undelete: async (id) => void (await soap('undelete', [id])),
    purge: async (id) => void (await soap('emptyRecycleBin', [id])),
    merge: async (object, master, losers) => void (await soap('merge', { masterRecord: { type: object, Id: master }, recordToMergeIds: losers })),
    convert: async (leadId, into) =>
      (await soap('convertLead', { leadId, convertedStatus: 'Closed - Converted', doNotCreateOpportunity: true, ...into })).contactId ?? '',
    read: (object, id) => connection.sobject(object).retrieve(id),
    overtaken: async () => {
      while ((await clock()) === changedAt) await delay(lookEveryMs);
    },
  };
}
