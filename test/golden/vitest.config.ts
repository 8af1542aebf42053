import path from 'node:path';
import { defineConfig } from 'vitest/config';

/** Of `scripts/golden-histories.ts` alone. */
export default defineConfig({
  test: {
    root: path.join(import.meta.dirname, '../..'),
    include: ['test/golden/record.ts'],
    globalSetup: ['test/services/postgres.ts', 'test/services/temporal.ts'],
    testTimeout: 120_000,
    hookTimeout: 120_000,
  },
});
