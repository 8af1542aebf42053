/** The order of UTF-8 bytes is that of code points. */
export const codePoints = (a: string, b: string): number => Buffer.compare(Buffer.from(a), Buffer.from(b));

/** R8 */
export function id18(value: string | undefined, prefix: string): string | null {
  const id = (value ?? '').trim();
  if (!id.startsWith(prefix) || !/^[A-Za-z0-9]{15}(...)?$/.test(id)) return null;
  let sum = '';
  for (const start of [0, 5, 10]) {
    let bits = 0;
    for (let at = 0; at < 5; at++) if (/[A-Z]/.test(id.charAt(start + at))) bits += 2 ** at;
    sum += 'ABCDEFGHIJKLMNOPQRSTUVWXYZ012345'.charAt(bits);
  }
  return id.length === 15 || id.endsWith(sum) ? id.slice(0, 15) + sum : null;
}
