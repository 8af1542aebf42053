import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

/** A process and all that came of it. */
export function familyOf(pid: number): readonly number[] {
  const parents = new Map<number, number>();
  for (const name of readdirSync('/proc').filter((each) => /^\d+$/.test(each))) {
    const parent = orNothing(() => /^\d+ \(.*\) \S (\d+)/s.exec(readFileSync(`/proc/${name}/stat`, 'utf8'))?.[1]);
    if (parent !== undefined) parents.set(Number(name), Number(parent));
  }
  const family = [pid];
  for (const member of family) family.push(...[...parents].flatMap(([child, parent]) => (parent === member ? [child] : [])));
  return family;
}

/** The addresses on which the processes listen, as `127.0.0.1:5432` and `[::1]:5432`. */
export function listeningOn(pids: readonly number[]): readonly string[] {
  const inodes = new Set(pids.flatMap(socketsOf));
  const listening = '0A';
  return ['tcp', 'tcp6'].flatMap((table) =>
    readFileSync(`/proc/net/${table}`, 'utf8')
      .split('\n')
      .slice(1)
      .map((line) => line.trim().split(/\s+/))
      .flatMap(([, local = '', , state, , , , , , inode = '']) => (state === listening && inodes.has(inode) ? [spelled(local)] : [])),
  );
}

function socketsOf(pid: number): readonly string[] {
  const folder = `/proc/${pid}/fd`;
  const names = orNothing(() => readdirSync(folder)) ?? [];
  return names.flatMap((name) => /^socket:\[(\d+)\]$/.exec(orNothing(() => readlinkSync(`${folder}/${name}`)) ?? '')?.[1] ?? []);
}

/** The kernel writes addresses as words of the machine's byte order. */
function spelled(hex: string): string {
  const [address = '', port = ''] = hex.split(':');
  const words = address.match(/.{8}/g) ?? [];
  const octets = words.flatMap((word) => (word.match(/../g) ?? []).toReversed()).map((byte) => Number.parseInt(byte, 16));
  const at = `:${Number.parseInt(port, 16)}`;
  if (octets.length === 4) return octets.join('.') + at;
  const mapped = octets.slice(0, 12).join() === '0,0,0,0,0,0,0,0,0,0,255,255';
  if (mapped) return octets.slice(12).join('.') + at;
  return `[${octets.join() === '0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,1' ? '::1' : octets.map((byte) => byte.toString(16)).join('.')}]${at}`;
}

/** A process may end while it is looked at. */
function orNothing<T>(body: () => T): T | undefined {
  try {
    return body();
  } catch {
    return undefined;
  }
}
