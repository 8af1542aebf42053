import { defineSearchAttributeKey, SearchAttributeType } from '@temporalio/common';
import { runKindName, runStatusName } from '../src/domain/search-attributes.ts';

export const runStatusKey = defineSearchAttributeKey(runStatusName, SearchAttributeType.KEYWORD);
export const runKindKey = defineSearchAttributeKey(runKindName, SearchAttributeType.KEYWORD);
