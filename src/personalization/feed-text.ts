import { isUtf8 } from 'node:buffer';

/** Stands in the place of bytes that are not UTF-8: a row that holds it is refused as one with a NUL is. */
export const notUtf8 = '\0\uFFFD';

/**
 * Passes UTF-8 on as it is and puts `notUtf8` in the place of what is none, so that one spoilt row does not cost the others.
 * Chunks may end within a character.
 */
export async function* markedUtf8(source: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let rest: Buffer = Buffer.alloc(0);
  for await (const chunk of source) {
    const bytes = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    const complete = bytes.length - openLength(bytes);
    rest = bytes.subarray(complete);
    if (complete > 0) yield marked(bytes.subarray(0, complete));
  }
  if (rest.length > 0) yield marked(rest);
}

/** Bytes at the end that begin a character without ending it. */
function openLength(bytes: Buffer): number {
  for (let back = 1; back <= Math.min(3, bytes.length); back += 1) {
    const byte = bytes[bytes.length - back] ?? 0;
    if (byte < 0x80) return 0;
    if (byte >= 0xc0) return back < characterLength(byte) ? back : 0;
  }
  return 0;
}

function characterLength(lead: number): number {
  if (lead >= 0xf0) return 4;
  return lead >= 0xe0 ? 3 : 2;
}

function marked(bytes: Buffer): Buffer {
  if (isUtf8(bytes)) return bytes;
  const parts: Buffer[] = [];
  // Line ends are never part of a longer character: what is spoilt stays in its line.
  for (let start = 0; start < bytes.length;) {
    const newline = bytes.indexOf(0x0a, start);
    const end = newline === -1 ? bytes.length : newline + 1;
    const line = bytes.subarray(start, end);
    parts.push(isUtf8(line) ? line : Buffer.from(replaced(line), 'utf8'));
    start = end;
  }
  return Buffer.concat(parts);
}

/** The decoder's own mark is a character that a file may hold; a NUL before it makes it ours, and in a line that is spoilt anyway one too many does no harm. */
function replaced(line: Buffer): string {
  return line.toString('utf8').replaceAll('\uFFFD', notUtf8);
}
