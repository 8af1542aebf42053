import { describe, expect, test } from 'vitest';
import { compareIntents, compareRecords, compareReport } from './compare.ts';

const header = 'object,salesforceId,outcome,personalizationId,subTier,salesforceField,personalizationField,reason,candidateCount,candidates\n';
const ada = 'Contact,003AAA,linked,ada,id,Id,sfcrmContactId,,0,\n';
const bob = 'Contact,003BBB,unmatched,,,,,,0,\n';
const intentHeader = 'side,object,id,field,before,after,rule,outcome,code,reason\n';

describe('the comparison of results with expectations', () => {
  test('equal files have no difference, quoted or not', () => {
    expect(compareRecords(header + ada + bob, header + '"Contact","003AAA","linked","ada","id","Id","sfcrmContactId","","0",""\n' + bob)).toEqual([]);
  });

  test('a cell that differs is named with both values', () => {
    expect(compareRecords(header + ada, header + ada.replace('linked', 'unmatched'))).toEqual([
      'Contact 003AAA: outcome expected "linked", got "unmatched"',
    ]);
  });

  test('a row too few and a row too many are named', () => {
    expect(compareRecords(header + ada, header + bob)).toEqual([
      'missing: Contact 003AAA "outcome=linked personalizationId=ada subTier=id salesforceField=Id personalizationField=sfcrmContactId candidateCount=0"',
      'not expected: Contact 003BBB "outcome=unmatched candidateCount=0"',
    ]);
  });

  test('a wrong order, a row twice and another header are differences', () => {
    expect(compareRecords(header + ada + bob, header + bob + ada)).toEqual(['not sorted by object, salesforceId: Contact 003AAA comes too late']);
    expect(compareRecords(header + ada, header + ada + ada)).toContain('the result has two rows for Contact 003AAA');
    expect(compareRecords(header + ada, header.replace('reason', 'why') + ada)[0]).toMatch(/^header: expected .*reason.*, got .*why/);
  });

  test('a short row is no CSV to compare', () => {
    expect(compareRecords(header + ada, `${header}Contact,003AAA\n`)[0]).toMatch(/^not readable as CSV/);
  });

  test('white space and case of a cell count', () => {
    expect(compareRecords(header + ada, header + ada.replace(',ada,', ',Ada,'))).toHaveLength(1);
    expect(compareRecords(header + ada, header + ada.replace(',ada,', ',ada ,'))).toHaveLength(1);
  });

  test('* takes any value, and only in the expectation', () => {
    const want = `${intentHeader}salesforce,Contact,003AAA,X__c,,maybe,personalization,rejected,*,\n`;
    const got = `${intentHeader}salesforce,Contact,003AAA,X__c,,maybe,personalization,rejected,NOT_A_BOOLEAN,why not\n`;
    expect(compareIntents(want, got)).toEqual([]);
    expect(compareIntents(got, want)).toHaveLength(1);
  });

  test('the order of intents is by code point of each column', () => {
    const line = (field: string): string => `personalization,user,u,${field},,x,crm,applied,,\n`;
    expect(compareIntents(intentHeader + line('Zeta') + line('alpha'), intentHeader + line('Zeta') + line('alpha'))).toEqual([]);
    expect(compareIntents(intentHeader + line('Zeta') + line('alpha'), intentHeader + line('alpha') + line('Zeta'))).toHaveLength(1);
  });

  test('a report may hold more than is expected, and nothing else', () => {
    expect(compareReport({ objects: { contact: { nearMisses: 1 } } }, { run: 'r', objects: { contact: { nearMisses: 1, kept: 0 } } })).toEqual([]);
    expect(compareReport({ objects: { contact: { nearMisses: 1 } } }, { objects: { contact: { nearMisses: 2 } } })).toEqual([
      'report.objects.contact.nearMisses: expected 1, got 2',
    ]);
    expect(compareReport({ objects: { lead: {} } }, { objects: {} })).toEqual(['report.objects.lead: expected an object, got undefined']);
  });
});
