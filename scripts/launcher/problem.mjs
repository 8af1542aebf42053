/** What a person has to do something about; shown without a stack. */
export class Problem extends Error {}

/** @param {string} line */
export function say(line) {
  process.stderr.write(`crm-sync: ${line}\n`);
}

/**
 * Runs an entry point's body; a Problem becomes one sentence and exit code 1.
 * @param {() => Promise<number | undefined>} body returns the exit code, or undefined to leave it to Node
 */
export async function runEntry(body) {
  try {
    const code = await body();
    if (code !== undefined) process.exitCode = code;
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    say(error.message);
    process.exitCode = 1;
  }
}
