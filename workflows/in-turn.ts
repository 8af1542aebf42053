/** Calls wait for those before them: what came first is done first. `condition` would let several through at once. */
export function inTurn<A, R>(body: (arg: A) => Promise<R>): (arg: A) => Promise<R> {
  let last: Promise<unknown> = Promise.resolve();
  return (arg) => {
    const next = last.then(() => body(arg));
    last = next.catch(() => undefined);
    return next;
  };
}
