import { existsSync, statSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import type { Command } from 'commander';
import { readEnvironment } from '../config/environment.ts';
import { usageFailure } from '../domain/failure.ts';
import { startStack } from '../local/stack.ts';
import type { Stack } from '../local/stack.ts';
import { prepareOut } from '../operator/run-files.ts';
import { connect } from './connections.ts';
import { loadProfiles, sampleDirectory, syntheticData } from './demo-data.ts';
import { runDemoNight } from './demo-night.ts';
import type { NightOptions } from './demo-night.ts';
import { addExamples, defaultStateDir, wholeNumber } from './options.ts';
import { note } from './output.ts';
import { aborted, endingSignal } from './signals.ts';
import { readStackSettings, settingsOfStack, writeStackSettings } from './stack-settings.ts';
import type { StackSettings } from './stack-settings.ts';

interface DemoOptions extends NightOptions {
  readonly data?: string;
  readonly state: string;
  readonly keepEmailCase?: boolean;
  readonly synthetic?: number;
  readonly seed: number;
}

export function define(command: Command): void {
  command
    .option('--data <dir>', 'your own CSV exports of both sides instead of the sample')
    .option('--state <dir>', 'where the stack keeps its state; started again on it, it goes on', defaultStateDir)
    .option('--out <dir>', 'write report.json, records.csv, intents.csv and rejects.csv there')
    .option('--once', 'stop everything after the night; the exit code tells how it ended')
    .option('--leads', 'switch leads on before the night')
    .option('--keep-email-case', 'do not lower-case e-mail values of the CRM on loading')
    .option('--synthetic <n>', 'make n contacts and as many users instead of loading data', wholeNumber(1, 10_000_000))
    .option('--seed <n>', 'the seed of --synthetic', wholeNumber(0, 4_294_967_295), 1)
    .action(demo);
  addExamples(command, 'demo', 'demo --once --out out', 'demo --data my-exports --state my-state');
  command.addHelpText(
    'after',
    '\nThe folder of --data: Account.csv, Contact.csv, Lead.csv (exports of Salesforce), user-*.csv, account-*.csv (feeds of Personalization),\ncrm-sync.yaml (settings; optional), schema.json (types; optional). Nothing is sent anywhere: all servers run on this machine.',
  );
}

async function demo(options: DemoOptions): Promise<void> {
  const signal = endingSignal();
  const environment = readEnvironment();
  const stateDir = path.resolve(options.state);
  const data = await dataOf(options, stateDir);
  const before = await readStackSettings(stateDir);
  // Without --data a state that holds data keeps the settings that came with it.
  const keeps = before !== undefined && before.loaded && data.byDefault;
  const source: StackSettings = {
    settingsFile: keeps ? before.settingsFile : path.join(data.directory, 'crm-sync.yaml'),
    optional: true,
    defaults: { approval: 'never' },
    connections: 'stack',
    loaded: before?.loaded ?? false,
  };
  // What is wrong with the settings is said before anything is started.
  settingsOfStack(source, undefined, environment.variables);
  if (options.out !== undefined) await prepareOut(options.out);
  let stack: Stack;
  try {
    stack = await startStack({
      stateDir,
      parts: ['postgres', 'temporal', 'simulator', 'worker'],
      environment,
      ...(data.synthetic === undefined ? { dataDir: data.directory } : { synthetic: data.synthetic }),
      keepEmailCase: options.keepEmailCase ?? false,
      beforeWorker: async (file) => {
        await writeStackSettings(stateDir, source);
        await loadProfiles(file, data.directory, source.loaded);
        await writeStackSettings(stateDir, { ...source, loaded: true });
      },
      signal,
      onLine: note,
    });
  } catch (error) {
    if (!signal.aborted) throw error;
    process.exitCode = options.once === true ? 3 : 0;
    return;
  }
  try {
    await using sync = await connect({ state: stateDir });
    const exitCode = await runDemoNight(sync, stack.temporalCli, options, signal);
    if (options.once === true) process.exitCode = signal.aborted ? 3 : exitCode;
    else {
      if (!signal.aborted) note('Everything stays up; Ctrl-C stops it.');
      await aborted(signal);
    }
  } finally {
    await stack.stop();
  }
}

interface DemoData {
  readonly directory: string;
  readonly synthetic?: { readonly contacts: number; readonly seed: number };
  /** Nobody asked for it. */
  readonly byDefault: boolean;
}

async function dataOf({ data, synthetic, seed }: DemoOptions, stateDir: string): Promise<DemoData> {
  if (data !== undefined && synthetic !== undefined) throw usageFailure('--data and --synthetic exclude each other', 'Give one of them.');
  if (synthetic !== undefined) {
    const directory = path.join(stateDir, 'synthetic');
    await mkdir(stateDir, { recursive: true, mode: 0o700 });
    await syntheticData(directory, synthetic, seed);
    return { directory, synthetic: { contacts: synthetic, seed }, byDefault: false };
  }
  if (data === undefined) return { directory: sampleDirectory(), byDefault: true };
  if (!existsSync(data)) throw usageFailure(`there is no data directory ${data}`, 'Name the folder of your exports with --data DIR.');
  if (!statSync(data).isDirectory()) throw usageFailure(`${data} is no directory`, 'Name the folder of your exports with --data DIR.');
  return { directory: path.resolve(data), byDefault: false };
}
