import type { Command } from 'commander';
import { intentsCsv } from '../operator/intents.ts';
import { defineList } from './lists.ts';

export function define(command: Command): void {
  defineList(command, { name: 'intents', content: intentsCsv, shown: ['side', 'object', 'id', 'field', 'before', 'after', 'outcome', 'code'] });
}
