import { writeFileSync } from 'node:fs';

/**
 * Vitest reporter that counts a run for the closing line of .ci/run and writes `{ "passed": n, "failed": n }` to the
 * file named by MILESTONES_TEST_COUNTS. Things that fail outside a test (a file that does not load, an unhandled
 * rejection, a hook) count as failures too: a run must never read "0 failed" when something broke.
 */
export default class ClosingLineReporter {
  /** @param {readonly import('vitest/node').TestModule[]} modules @param {readonly unknown[]} unhandledErrors */
  onTestRunEnd(modules, unhandledErrors) {
    let passed = 0;
    let failed = unhandledErrors.length;
    for (const module of modules) {
      let failedHere = 0;
      for (const test of module.children.allTests()) {
        if (test.result().state === 'passed') passed += 1;
        else failedHere += 1; // skipped and pending count as failed: this repository has no skipped tests
      }
      if (!module.ok() && failedHere === 0) failedHere = 1;
      failed += failedHere;
    }
    const file = process.env.MILESTONES_TEST_COUNTS;
    if (file) writeFileSync(file, `${JSON.stringify({ passed, failed })}\n`);
  }
}
