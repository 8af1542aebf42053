import { applyActivities } from './apply.ts';
import { controlActivities } from './control.ts';
import type { Dependencies } from './dependencies.ts';
import { fetchActivities } from './fetch.ts';
import { matchActivities } from './match.ts';
import { planActivities } from './plan.ts';
import { runActivities } from './run.ts';

/** Everything that workflows call, over its dependencies. Thin: each parses, calls one function of `src`, and beats. */
export function createActivities(dependencies: Dependencies) {
  return {
    ...controlActivities(dependencies),
    ...runActivities(dependencies),
    ...fetchActivities(dependencies),
    ...matchActivities(dependencies),
    ...planActivities(dependencies),
    ...applyActivities(dependencies),
  };
}

export type Activities = ReturnType<typeof createActivities>;
