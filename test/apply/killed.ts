import type { ApplyDependencies } from '../../src/apply/dependencies.ts';

/** What a test throws in place of a kill. */
export class Killed extends Error {
  override readonly name = 'Killed';
}

/**
 * The same dependencies, with a kill at the n-th protocol point: before and after each call of a side, before and after each commit. After the kill nothing works any more, as in a
 * process that is gone. `points()`: how many points were passed.
 */
export function killedAt(deps: ApplyDependencies, at: number): { readonly deps: ApplyDependencies; readonly points: () => number } {
  let points = 0;
  const point = (): void => {
    points += 1;
    if (points >= at) throw new Killed(`at point ${points}`);
  };
  const guarded = <T extends object>(target: T, names: readonly (keyof T)[]): T =>
    new Proxy(target, {
      get(object, name) {
        const value: unknown = Reflect.get(object, name, object);
        if (typeof value !== 'function') return value;
        const bound = value.bind(object) as (...args: unknown[]) => unknown;
        if (!names.includes(name as keyof T)) return bound;
        return async (...args: unknown[]) => {
          point();
          const result = await bound(...args);
          point();
          return result;
        };
      },
    });
  return {
    deps: {
      ...deps,
      database: guarded(deps.database, ['transaction']),
      salesforce: guarded(deps.salesforce, ['retrieve', 'updateRows', 'openIngest', 'uploadIngest', 'completeIngest', 'checkIngest', 'abortIngest']),
      store: guarded(deps.store, ['write']),
    },
    points: () => points,
  };
}
