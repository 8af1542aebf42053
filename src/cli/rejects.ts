import type { Command } from 'commander';
import { rejectsCsv } from '../operator/intents.ts';
import { defineList } from './lists.ts';

export function define(command: Command): void {
  defineList(command, { name: 'rejects', content: rejectsCsv, shown: ['side', 'object', 'id', 'field', 'after', 'code', 'reason'] });
}
