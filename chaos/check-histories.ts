/** Searches every history of a state directory's Temporal server for every value of the data: `npm run check:histories -- --state DIR`. See docs/reliability.md. */
import path from 'node:path';
import { parseArgs } from 'node:util';
import { Client, Connection } from '@temporalio/client';
import { settingsOfStack, readStackSettings } from '../src/cli/stack-settings.ts';
import { readEnvironment } from '../src/config/environment.ts';
import { codecOf } from '../src/encryption/data-converter.ts';
import { startStack } from '../src/local/stack.ts';
import { readStack } from '../src/local/stack-file.ts';
import { HeldValues, valuesOfDirectory } from './held-values.ts';
import { KeptTexts } from './kept-texts.ts';

const mostEvents = 1_000;
const largestPayloadBytes = 2_048;

const { values } = parseArgs({ options: { state: { type: 'string', default: '.crm-sync' } } });
const stateDir = path.resolve(values.state);
const environment = { ...readEnvironment(), temporalAddress: undefined, databaseUrl: undefined };
const running = await readStack(stateDir);
// One that is down is brought up for the search, without anybody who works.
const stack =
  running === undefined ? await startStack({ stateDir, parts: ['postgres', 'temporal'], environment, onLine: () => undefined }) : undefined;
try {
  const { temporal, mirror } = running ?? stack?.current() ?? {};
  const source = await readStackSettings(stateDir);
  const data = source?.settingsFile === null || source?.settingsFile === undefined ? undefined : path.dirname(source.settingsFile);
  const held = data === undefined ? new HeldValues('') : valuesOfDirectory(data);
  if (mirror !== undefined) await held.addMirrors(mirror.url);
  const encryption = source === undefined ? undefined : settingsOfStack(source, running, environment.variables).settings.encryption;
  const kept = new KeptTexts(encryption === undefined ? undefined : codecOf(encryption));
  const connection = await Connection.connect({ address: temporal?.address ?? '' });
  await kept.addServer(new Client({ connection, namespace: temporal?.namespace ?? 'default' }));
  await connection.close();
  const { workflows, events, payloads, largestWorkflow, largestPayload } = kept;
  console.log(`${workflows} workflows, ${events} events, ${payloads} payloads`);
  console.log(`largest workflow: ${largestWorkflow.events} events (${largestWorkflow.place})`);
  console.log(`largest payload: ${largestPayload.bytes} bytes (${largestPayload.place})`);
  const places = kept.placesOf(held.values);
  const problems = [
    ...(workflows === 0 ? ['there is no history to search'] : []),
    ...(held.values.size === 0 ? ['there are no values to search for'] : []),
    ...(largestWorkflow.events > mostEvents ? [`a workflow has more than ${mostEvents} events`] : []),
    ...(largestPayload.bytes > largestPayloadBytes ? [`a payload has more than ${largestPayloadBytes} bytes`] : []),
    ...places.map((place) => `a value of the data stands in ${place}`),
  ];
  if (problems.length === 0) console.log(`no value of ${held.values.size} found`);
  for (const problem of problems) console.error(problem);
  if (problems.length > 0) process.exitCode = 1;
} finally {
  await stack?.stop();
}
