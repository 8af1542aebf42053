import { Failure } from '../domain/failure.ts';

/** One thing that is wrong with the settings. */
export interface Problem {
  /** 1-based; undefined if it is about no line (a value that is missing, a command line). */
  readonly line: number | undefined;
  /** Dotted, as in the settings table: `objects.contact.pull[0].to`; empty for the file as a whole. */
  readonly key: string;
  /** What is wrong, what is allowed, the nearest spelling. Never a secret. */
  readonly message: string;
}

/** Where each key that a file sets stands: dotted key to 1-based line. */
export type Positions = ReadonlyMap<string, number>;

/** The line of a key or, if it is not in the file, of the nearest key above it. */
export function lineOf(positions: Positions, key: string): number | undefined {
  for (let at = key, above; at !== ''; at = above) {
    const line = positions.get(at);
    if (line !== undefined) return line;
    above = at.replace(/(\[\d+\]|\.?[^.[]+)$/, '');
    if (above === at) return undefined;
  }
  return undefined;
}

function sentence(place: string, { line, key, message }: Problem): string {
  return [`${place}${line === undefined ? '' : `:${line}`}`, ...(key === '' ? [] : [key]), message].join(': ');
}

/** More than anybody reads at once; a file of another kind has a problem on every line. */
const mostShown = 100;
const longestShown = 500;

/** The problems in one failure (exit code 2), one a line, in the order of the file. */
export function settingsFailure(place: string, problems: readonly Problem[], remedy?: string): Failure {
  const sorted = problems.toSorted((a, b) => (a.line ?? Infinity) - (b.line ?? Infinity) || 0);
  const lines = [...new Set(sorted.map((problem) => sentence(place, problem)))];
  const shown = lines.slice(0, mostShown).map((line) => (line.length > longestShown ? `${line.slice(0, longestShown)}...` : line));
  const more = lines.length > mostShown ? `\nand ${lines.length - mostShown} more` : '';
  const message = lines.length === 1 ? shown[0]! : `${lines.length} errors in the settings:\n${shown.join('\n')}${more}`;
  const options = { kind: 'permanent', code: 'SETTINGS', exitCode: 2 } as const;
  return new Failure(message, {
    ...options,
    remedy: remedy ?? 'Correct the settings; the README has a table of them, `crm-sync init` writes a template.',
  });
}
