import { hostname, userInfo } from 'node:os';

/** Who sits at the keyboard, for what is written down of decisions: `ann@laptop`. */
export function operatorName(): string {
  let user: string;
  try {
    user = userInfo().username;
  } catch (error) {
    // An id without a name, as containers have them.
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    user = `uid ${process.getuid?.() ?? '?'}`;
  }
  return `${user}@${hostname()}`;
}
