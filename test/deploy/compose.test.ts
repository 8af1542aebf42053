import { access, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { parse } from 'yaml';

interface Service {
  readonly image?: string;
  readonly profiles?: readonly string[];
  readonly depends_on?: Readonly<Record<string, { readonly condition: string }>>;
  readonly volumes?: readonly string[];
  readonly ports?: readonly string[];
  readonly command?: readonly string[];
  readonly healthcheck?: unknown;
  readonly restart?: string;
}

const root = join(import.meta.dirname, '..', '..');
const compose = parse(await readFile(join(root, 'docker-compose.yml'), 'utf8'), { merge: true }) as {
  readonly services: Readonly<Record<string, Service>>;
  readonly volumes: Readonly<Record<string, null>>;
};
const services = Object.entries(compose.services);

test('the compose file has the parts of the production shape, the simulator only as a profile', () => {
  expect(Object.keys(compose.services)).toEqual([
    'postgres',
    'temporal-schema',
    'temporal',
    'temporal-namespace',
    'temporal-ui',
    'worker',
    'simulator',
  ]);
  expect(services.filter(([, { profiles }]) => profiles !== undefined).map(([name]) => name)).toEqual(['simulator']);
});

test('every dependency of a service exists, and one that must be healthy can tell it', () => {
  for (const [, { depends_on = {} }] of services) {
    for (const [name, { condition }] of Object.entries(depends_on)) {
      expect(compose.services).toHaveProperty(name);
      if (condition === 'service_healthy') expect(compose.services[name]?.healthcheck, name).toBeDefined();
    }
  }
});

test('every image has a version', () => {
  for (const [name, { image }] of services) expect(image, name).toMatch(/:[\w.]+$/);
});

test('every named volume is declared and every file that is mounted for set-up is there', async () => {
  for (const [, { volumes = [] }] of services) {
    for (const source of volumes.map((volume) => volume.split(':')[0] ?? '')) {
      if (!source.startsWith('.')) expect(compose.volumes).toHaveProperty(source);
    }
  }
  for (const file of ['temporal-schema.sh', 'temporal-namespace.sh', 'temporal-dynamic-config.yaml']) await access(join(root, 'docker', file));
});

test('no port is open to other machines', () => {
  for (const [name, { ports = [] }] of services) for (const port of ports) expect(port, name).toMatch(/^127\.0\.0\.1:/);
});

test('the servers of the compose file are the versions of the embedded stack', async () => {
  const { temporalCliVersion } = await import('../../src/local/temporal-sources.ts');
  expect({ cli: temporalCliVersion, server: compose.services['temporal']?.image, ui: compose.services['temporal-ui']?.image }).toEqual({
    cli: '1.9.1',
    server: 'temporalio/server:1.32.0',
    ui: 'temporalio/ui:2.54.1',
  });
});
