const ending = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** Aborted by the first signal that asks this process to end; later ones are taken as the same wish. */
export function endingSignal(): AbortSignal {
  const controller = new AbortController();
  for (const signal of ending) process.on(signal, () => controller.abort(new DOMException(`ended by ${signal}`, 'AbortError')));
  return controller.signal;
}

/** Resolves when the signal comes, however long that takes. */
export async function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  // A listener alone keeps no process alive.
  const alive = setInterval(() => undefined, 2 ** 30);
  await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
  clearInterval(alive);
}
