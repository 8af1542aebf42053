import { afterEach, describe } from 'vitest';
import { readingContract } from './contract-reading.ts';
import { type ContractStore, type SeedPerson, types } from './contract-store.ts';
import { writingContract } from './contract-writing.ts';

/** What every adapter of the Personalization port must do. `make` gives an empty store each time. */
export function personalizationContract(name: string, make: () => Promise<ContractStore>): void {
  describe(`the Personalization contract: ${name}`, () => {
    let store: ContractStore;
    afterEach(() => store.end());
    const stage = {
      get store() {
        return store;
      },
      start: async (persons: readonly SeedPerson[] = []) => {
        store = await make();
        await store.seed(types, persons);
        return store.side;
      },
    };
    readingContract(stage);
    writingContract(stage);
  });
}
