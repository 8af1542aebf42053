import { describe, expect, test } from 'vitest';
import { parseDocument } from 'yaml';
import { renderSettingsHelp, renderSettingsTable } from '../../src/config/listing.ts';
import { schemaNames } from '../../src/config/settings.ts';
import { settingsTable } from '../../src/config/table.ts';
import { renderTemplate } from '../../src/config/template.ts';
import { load } from './failure.ts';

describe('defaults', () => {
  test('an empty file is all defaults', () => {
    const { objects, ...rest } = load('');
    expect(rest).toEqual({
      name: 'crm-sync',
      salesforce: {
        loginUrl: undefined,
        auth: undefined,
        apiVersion: '66.0',
        apiBudget: { perRun: { kind: 'share', share: 0.2 }, reserve: { kind: 'share', share: 0.1 }, whenSpent: 'partial' },
      },
      personalization: { store: 'postgres', url: undefined },
      ledger: { url: undefined },
      encryption: { keys: undefined, keyFile: undefined },
      schedule: { cron: '0 2 * * *', timezone: 'UTC', jitterMs: 300_000 },
      approval: 'firstRun',
      guards: { rejected: 0.05, personsGone: 0.05, linksEnded: 0.01, recordsGone: 0.2, writesFactor: 3 },
      limitWrites: undefined,
      caps: { pullRecords: 4_500_000, pushRecords: 750_000 },
      ignoreValues: ['n/a', 'none', 'null', 'unknown', 'undefined', '-', 'test@test.com', 'noemail@noemail.com'],
      retention: { intentsDays: 30 },
    });
    const object = {
      matchFields: [],
      matchFieldOrder: 'any',
      onlyDesignatedMatchFields: false,
      pull: [],
      push: [],
      directions: { pull: true, push: true },
    };
    expect(objects).toEqual({
      account: { ...object, idAttribute: 'sfcrmAccountId', accountFromContacts: false },
      contact: { ...object, idAttribute: 'sfcrmContactId' },
      lead: { ...object, idAttribute: 'sfcrmLeadId', enabled: false },
    });
  });

  test.each(['# only a comment\n', '---\n', '{}', 'objects:\n', 'objects:\n  contact:\n  lead: ~\n', '\uFEFFname: crm-sync\r\n'])(
    '%j is all defaults as well',
    (text) => {
      expect(load(text)).toEqual(load(''));
    },
  );

  test('schemas are named after the sync', () => {
    expect(schemaNames('crm-sync')).toEqual({ ledger: 'crm_sync_ledger', mirror: 'crm_sync_mirror' });
  });
});

describe('what is made of the table', () => {
  test('the template gives the defaults', () => {
    expect(load(renderTemplate())).toEqual(load(''));
  });

  test('the template names every setting, and every example in it is valid', () => {
    const template = renderTemplate();
    // Comments of the form `# key: value` and the entries below them are the examples; `key: []` gives way to them.
    const uncommented = template
      .replaceAll(/^(\s*)# ([a-zA-Z]+:( "?[$\w./@:{}-]+"?)?)$/gm, '$1$2')
      .replaceAll(/^(\s*)# {3}(- \{.*)$/gm, '$1  $2')
      .replaceAll(/^\s*\w+: \[\]\n/gm, '');
    for (const row of settingsTable) {
      expect(parseDocument(uncommented).hasIn(row.key.split('.')), row.key).toBe(true);
    }
    const variables = {
      SALESFORCE_CLIENT_ID: 'a',
      SALESFORCE_CLIENT_SECRET: 'b',
      SALESFORCE_REFRESH_TOKEN: 'c',
      PERSONALIZATION_URL: 'postgres://a/b',
      CRM_SYNC_LEDGER_URL: 'postgres://a/b',
      CRM_SYNC_PAYLOAD_KEYS: `k1=${'A'.repeat(43)}=`,
    };
    const settings = load(uncommented, { env: variables });
    expect(settings.objects.contact.matchFields).toEqual([{ salesforce: 'Phone', personalization: ['phone', 'mobile'], ignoreCase: false }]);
    expect(settings.salesforce.auth).toMatchObject({ flow: 'jwtBearer', clientId: 'a' });
  });

  test('the Markdown table and the help name every setting once', () => {
    for (const { key } of settingsTable) {
      const shared = key.replace(/^objects\.\w+/, 'objects.<object>');
      const rows = renderSettingsTable()
        .split('\n')
        .filter((line) => line.startsWith(`| \`${key}\` `) || line.startsWith(`| \`${shared}\` `));
      expect(rows, key).toHaveLength(1);
      expect(renderSettingsHelp().includes(`  ${key} (default`) || renderSettingsHelp().includes(`  ${shared} (default`), key).toBe(true);
    }
    for (const line of renderSettingsTable().split('\n')) expect(line.replaceAll('\\|', '').split('|')).toHaveLength(6);
  });
});
