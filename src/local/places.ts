import { join } from 'node:path';

/** The folder that holds `src`, `workflows` and `simulator`: the checkout, or `dist` in a package. */
export const programRoot = join(import.meta.dirname, '..', '..');

/** A program of ours as Node runs it: the source in a checkout, what was compiled of it in a package. `name` is without suffix. */
export function programFile(name: string): string {
  return join(programRoot, `${name}${import.meta.filename.endsWith('.ts') ? '.ts' : '.js'}`);
}
