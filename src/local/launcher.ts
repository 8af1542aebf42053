import type { LocalEnvironment } from '../config/local.ts';

/**
 * Under the launcher (an older Node started this one) its death by force must not leave the stack running: the channel it holds closes, and this
 * process asks itself to end as if it had got the signal. Returns what ends the watch.
 */
export function watchLauncher(environment: LocalEnvironment): () => void {
  if (!environment.launched || process.channel === undefined || process.channel === null) return () => undefined;
  const onGone = (): void => {
    process.kill(process.pid, 'SIGTERM');
  };
  process.once('disconnect', onGone);
  process.channel.unref();
  return () => process.removeListener('disconnect', onGone);
}
