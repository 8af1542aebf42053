import { createHash } from 'node:crypto';
import { checkFaults } from './fault-check.ts';
import type { FaultFile, FaultRule } from './faults.ts';

/** A request as rules see it. `content` reads query string and body, asked for only by a rule that needs it. */
export type Asked = { readonly method: string; readonly path: string; readonly content: () => Promise<string> };
type Armed = { readonly rule: FaultRule; readonly pattern: RegExp; matched: number; struck: number };

/** `/jobs/query/*\/results` as a regular expression for a whole path, in any case. */
function patternOf(path: string): RegExp {
  const parts = path.replace(/(.)\/+$/, '$1').split(/(\*\*|\*)/);
  const source = parts.map((part) => (part === '**' ? '.*' : part === '*' ? '[^/]*' : part.replace(/[.+?^${}()|[\]\\]/g, String.raw`\$&`)));
  return new RegExp(`^${source.join('')}$`, 'i');
}

/** The rules that are in force, and how often each was met. One request gets one fault at most: that of the first rule that strikes. */
export class FaultSwitch {
  #seed = 1;
  #armed: readonly Armed[] = [];

  /** Takes over rules in place of those before; all count from 0. @throws {FaultError} and then those before stay */
  set(given: unknown): void {
    const { seed, rules } = checkFaults(given);
    this.#seed = seed;
    this.#armed = rules.map((rule) => ({ rule, pattern: patternOf(rule.path), matched: 0, struck: 0 }));
  }

  clear(): void {
    this.#armed = [];
  }

  /** The rule that strikes this request. Every rule that matches counts it. */
  async take({ method, path, content }: Asked): Promise<FaultRule | undefined> {
    if (this.#armed.length === 0) return undefined;
    const whole = `/${path
      .split('/')
      .filter((part) => part !== '')
      .join('/')}`;
    const short = whole.replace(/^\/services\/data\/v[^/]*(?=\/)/i, '');
    const fitting = this.#armed.filter(
      ({ rule, pattern }) => (rule.method ?? method) === method && (pattern.test(whole) || (short !== whole && pattern.test(short))),
    );
    const sent = fitting.some(({ rule }) => rule.contains !== undefined) ? (await content()).toLowerCase() : '';
    let struck: FaultRule | undefined;
    for (const armed of fitting) {
      if (armed.rule.contains !== undefined && !sent.includes(armed.rule.contains.toLowerCase())) continue;
      armed.matched += 1;
      if (struck !== undefined || !this.#strikes(armed)) continue;
      armed.struck += 1;
      struck = armed.rule;
    }
    return struck;
  }

  #strikes({ rule, matched, struck }: Armed): boolean {
    if (rule.count !== 'always' && struck >= rule.count) return false;
    if (rule.every !== undefined) return matched % rule.every === 0;
    if (rule.probability !== undefined) return this.#drawn(rule.name, matched) < rule.probability;
    return matched >= (rule.at ?? 1);
  }

  /** From 0 to 1, by seed, rule and position alone: what other rules and requests do does not move it. */
  #drawn(name: string, position: number): number {
    return createHash('sha256').update(`${this.#seed}\n${name}\n${position}`).digest().readUIntBE(0, 6) / 2 ** 48;
  }

  /** The rules with their counts. */
  shown(): FaultFile & { readonly struck: number; readonly rules: readonly (FaultRule & { matched: number; struck: number })[] } {
    return {
      seed: this.#seed,
      struck: this.#armed.reduce((sum, { struck }) => sum + struck, 0),
      rules: this.#armed.map(({ rule, matched, struck }) => ({ ...rule, matched, struck })),
    };
  }
}
