import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { markedUtf8, notUtf8 } from '../../src/personalization/feed-text.ts';

async function through(bytes: Buffer, sizes: readonly number[]): Promise<Buffer> {
  async function* chunks(): AsyncGenerator<Buffer> {
    let at = 0;
    for (let n = 0; at < bytes.length; n += 1) {
      const size = Math.max(1, sizes[n % sizes.length] ?? 1);
      yield bytes.subarray(at, at + size);
      at += size;
    }
  }
  const parts: Buffer[] = [];
  for await (const part of markedUtf8(chunks())) parts.push(part);
  return Buffer.concat(parts);
}

const sizes = fc.array(fc.integer({ min: 1, max: 7 }), { minLength: 1, maxLength: 5 });

describe('the bytes of a feed', () => {
  test('UTF-8 passes as it is, wherever the chunks end', async () => {
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: 'binary', maxLength: 60 }), sizes, async (text, pieces) => {
        const bytes = Buffer.from(text.toWellFormed(), 'utf8');
        expect(await through(bytes, pieces)).toEqual(bytes);
      }),
    );
  });

  test('other bytes are marked within their line, and the lines around them pass as they are', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom([0xff], [0xc3], [0xe2, 0x82], [0xf0, 0x9f, 0x98], [0x80], [0xc0, 0xaf], [0xed, 0xa0, 0x80]),
        sizes,
        async (spoilt, pieces) => {
          const before = Buffer.from('vorher ü€😀\n');
          const after = Buffer.from('\nnachher ü€😀');
          const out = (await through(Buffer.concat([before, Buffer.from('a'), Buffer.from(spoilt), Buffer.from('b'), after]), pieces)).toString(
            'utf8',
          );
          const [first, middle, last] = out.split('\n');
          expect([first, last]).toEqual(['vorher ü€😀', 'nachher ü€😀']);
          expect(middle?.replaceAll(notUtf8, '')).toBe('ab');
          expect(middle).toContain(notUtf8);
        },
      ),
    );
  });

  test('a character cut off by the end of the file is marked', async () => {
    expect((await through(Buffer.from([0x61, 0xe2, 0x82]), [10])).toString('utf8')).toBe(`a${notUtf8}`);
  });
});
