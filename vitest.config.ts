import { configDefaults, defineConfig } from 'vitest/config';

/**
 * The suffix of a test file says what it needs. Each kind is a project, so that a server is started only if a file that is to run needs it.
 * Whole nights wait more than they work: three of them run at a time, on a small machine too.
 */
const withServers = ['**/*.pg.test.ts', '**/*.temporal.test.ts', '**/*.e2e.test.ts'];
const folders = ['test/**', 'simulator/test/**'];

function files(suffix: string): string[] {
  return folders.map((folder) => `${folder}/*${suffix}`);
}

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'plain',
          include: files('.test.ts'),
          exclude: [...configDefaults.exclude, ...withServers],
          testTimeout: 30_000,
          hookTimeout: 60_000,
          maxWorkers: 2,
          sequence: { groupOrder: 0 },
        },
      },
      {
        test: {
          name: 'pg',
          include: files('.pg.test.ts'),
          globalSetup: ['test/services/postgres.ts'],
          testTimeout: 120_000,
          hookTimeout: 120_000,
          maxWorkers: 2,
          sequence: { groupOrder: 1 },
        },
      },
      {
        test: {
          name: 'temporal',
          include: files('.temporal.test.ts'),
          globalSetup: ['test/services/postgres.ts', 'test/services/temporal.ts'],
          testTimeout: 120_000,
          hookTimeout: 120_000,
          maxWorkers: 1,
          sequence: { groupOrder: 2 },
        },
      },
      {
        test: {
          name: 'e2e',
          include: files('.e2e.test.ts'),
          globalSetup: ['test/services/postgres.ts', 'test/services/temporal.ts'],
          testTimeout: 300_000,
          hookTimeout: 300_000,
          maxWorkers: 3,
          sequence: { groupOrder: 3 },
        },
      },
    ],
  },
});
