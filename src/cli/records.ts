import type { Command } from 'commander';
import { recordsCsv } from '../operator/records.ts';
import { defineList } from './lists.ts';

export function define(command: Command): void {
  defineList(command, {
    name: 'records',
    content: recordsCsv,
    shown: ['object', 'salesforceId', 'outcome', 'personalizationId', 'subTier', 'salesforceField', 'reason', 'candidates'],
  });
}
