import type { ApplyDependencies } from '../../src/apply/dependencies.ts';
import type { Salesforce } from '../../src/salesforce/side.ts';
import type { NightWorld } from './night-world.ts';

/** The dependencies over an org of which some calls behave otherwise; the rest is the real thing. */
export function withOrg(deps: ApplyDependencies, change: (real: Salesforce) => Partial<Salesforce>): ApplyDependencies {
  return { ...deps, salesforce: { ...deps.salesforce, ...change(deps.salesforce) } };
}

/** Somebody of the org changes records, past the sync. */
export function editOrg(world: NightWorld, statement: string, ...values: (string | number | null)[]): void {
  world.simulator.org.store.sql(statement).run(...values);
}

export function orgValue(world: NightWorld, field: string, id: string): unknown {
  return world.simulator.org.store.sql(`select "${field}" as v from "Contact" where "Id" like ?`).get(`${id}%`)?.['v'];
}
