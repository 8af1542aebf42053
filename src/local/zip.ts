import { createReadStream, createWriteStream } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import { createInflateRaw } from 'node:zlib';

interface ZipEntry {
  readonly name: string;
  /** 0 stored, 8 deflated. */
  readonly method: number;
  readonly compressedBytes: number;
  readonly headerOffset: number;
}

const endOfDirectory = 0x06054b50;
const endBytes = 22;
const longestCommentBytes = 0xffff;

/** Writes the entry that `wanted` accepts to a file. Reads what a Python wheel is: no encryption, no zip64, stored or deflated. */
export async function extractFromZip(zip: string, wanted: (name: string) => boolean, target: string): Promise<void> {
  const file = await open(zip);
  try {
    const entry = (await readDirectory(file)).find(({ name }) => wanted(name));
    if (entry === undefined) throw new Error(`${zip} does not hold what is looked for`);
    const header = await readBytes(file, entry.headerOffset, 30);
    const start = entry.headerOffset + 30 + header.readUInt16LE(26) + header.readUInt16LE(28);
    const packed = createReadStream(zip, { start, end: start + entry.compressedBytes - 1 });
    const out = createWriteStream(target, { mode: 0o755 });
    if (entry.method === 0) await pipeline(packed, out);
    else await pipeline(packed, createInflateRaw(), out);
  } finally {
    await file.close();
  }
}

async function readDirectory(file: FileHandle): Promise<readonly ZipEntry[]> {
  const { size } = await file.stat();
  const tailBytes = Math.min(size, endBytes + longestCommentBytes);
  const tail = await readBytes(file, size - tailBytes, tailBytes);
  let end = tail.length - endBytes;
  while (end >= 0 && tail.readUInt32LE(end) !== endOfDirectory) end--;
  if (end < 0) throw new Error('not a zip file');
  const directory = await readBytes(file, tail.readUInt32LE(end + 16), tail.readUInt32LE(end + 12));
  const entries: ZipEntry[] = [];
  for (let at = 0; at + 46 <= directory.length;) {
    const nameBytes = directory.readUInt16LE(at + 28);
    entries.push({
      name: directory.toString('utf8', at + 46, at + 46 + nameBytes),
      method: directory.readUInt16LE(at + 10),
      compressedBytes: directory.readUInt32LE(at + 20),
      headerOffset: directory.readUInt32LE(at + 42),
    });
    at += 46 + nameBytes + directory.readUInt16LE(at + 30) + directory.readUInt16LE(at + 32);
  }
  return entries;
}

async function readBytes(file: FileHandle, offset: number, length: number): Promise<Buffer> {
  const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, offset);
  return buffer.subarray(0, bytesRead);
}
