import { resolve } from 'node:path';
import { localEnvironment } from '../../src/config/local.ts';
import { startStack } from '../../src/local/stack.ts';

/** A stack in a process of its own, to be killed: `node stack-fixture.ts STATE_DIR`. Prints `up` when it is. */
const [stateDir = ''] = process.argv.slice(2);
const stack = await startStack({
  stateDir: resolve(stateDir),
  parts: ['postgres', 'temporal'],
  environment: { ...localEnvironment(), temporalAddress: undefined, databaseUrl: undefined },
  onLine: (line) => console.error(line),
});
process.once('SIGTERM', () => {
  void stack.stop().then(() => process.exit(0));
});
console.log('up');
