import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { startSimulator } from '../../simulator/src/simulator.ts';
import { createSalesforce } from '../../src/salesforce/side.ts';

test('an org that answers in place of another gets no call, however often it is tried', async () => {
  const dataDirectory = await mkdtemp(path.join(tmpdir(), 'crm-sync-org-'));
  await writeFile(path.join(dataDirectory, 'Contact.csv'), 'Id,LastName\n003000000000001AAA,One\n');
  const simulator = await startSimulator({ dataDirectory });
  const { clientId, clientSecret } = simulator.credentials;
  const org = createSalesforce({ loginUrl: simulator.url, apiVersion: '66.0', auth: { flow: 'clientCredentials', clientId, clientSecret } });
  onTestFinished(async () => {
    await org.close();
    await simulator.stop();
    await rm(dataDirectory, { recursive: true });
  });
  const write = () => org.updateRows('Contact', [{ id: '003000000000001AAA', values: { Title: 'Boss' } }]);
  await org.describe('Contact');
  const answer = await fetch(`${simulator.url}/__simulator/settings`, {
    method: 'POST',
    body: JSON.stringify({ organizationId: '00D000000000042EAA' }),
  });
  expect(answer.status).toBe(200);
  for (let attempt = 0; attempt < 2; attempt += 1) await expect(write()).rejects.toMatchObject({ code: 'OTHER_ORG', kind: 'permanent', exitCode: 2 });
  expect(await (await fetch(`${simulator.url}/__simulator/updates?object=Contact`)).json()).toEqual([]);
});
