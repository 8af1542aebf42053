import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { identifyProcess } from './process-identity.ts';

/** `stack.json` of a state directory: what a command needs to find its stack. A part that this stack does not have is absent. */
export interface StackFile {
  readonly temporal?: {
    /** `host:port` */
    readonly address: string;
    /** Only if it is not `default`. */
    readonly namespace?: string;
    /** The web UI's address; absent, like the pid, if the server is not ours. */
    readonly ui?: string;
    readonly pid?: number;
  };
  readonly salesforce?: {
    readonly url: string;
    readonly clientId: string;
    readonly clientSecret: string;
    readonly username: string;
    readonly password: string;
    readonly pid: number;
  };
  readonly postgres?: { readonly pid: number };
  /** The database of the profile store. */
  readonly personalization?: { readonly url: string };
  /** The database of ledger and mirror. */
  readonly mirror?: { readonly url: string };
  readonly worker?: { readonly pid: number };
  /** The process that watches the parts. */
  readonly pid: number;
}

/** While the stack is up. */
export const stackFileName = 'stack.json';
/** The same while it starts: its worker finds the servers by it, and nobody takes the stack for complete. */
export const startingFileName = 'starting.json';

/** The stack that runs on this state directory; undefined if none does (a file that a killed one left counts as none). */
export async function readStack(stateDir: string): Promise<StackFile | undefined> {
  for (const name of [stackFileName, startingFileName]) {
    const stack = await readJsonFile<StackFile>(join(stateDir, name));
    if (stack !== undefined && identifyProcess(stack.pid) !== undefined) return stack;
  }
  return undefined;
}

/** Undefined if there is no such file. */
export async function readJsonFile<T>(path: string): Promise<T | undefined> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    throw error;
  }
  return JSON.parse(text) as T;
}
