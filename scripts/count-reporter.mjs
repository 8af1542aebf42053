import { writeFileSync } from 'node:fs';

/** A Vitest reporter that leaves the counts of all tests in the file `CRM_SYNC_TEST_COUNTS`. */
export default class CountReporter {
  onTestRunEnd(modules, unhandledErrors) {
    const counts = { passed: 0, failed: unhandledErrors.length, skipped: 0 };
    for (const module of modules) {
      let failedHere = 0;
      for (const test of module.children.allTests()) {
        const { state } = test.result();
        if (state === 'passed') counts.passed++;
        else if (state === 'skipped') counts.skipped++;
        else failedHere++;
      }
      // A file whose set-up fails has no failed test.
      counts.failed += module.state() === 'failed' ? Math.max(failedHere, 1) : failedHere;
    }
    writeFileSync(process.env.CRM_SYNC_TEST_COUNTS, JSON.stringify(counts));
  }
}
