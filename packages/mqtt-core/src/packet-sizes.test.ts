import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PacketSizes } from './packet-sizes.js';

/** The bytes of a packet of type PUBLISH whose remaining length is so much. */
function packet(length: number): number[] {
  const digits: number[] = [];
  let rest = length;
  do {
    digits.push((rest % 128) + (rest >= 128 ? 128 : 0));
    rest = Math.floor(rest / 128);
  } while (rest > 0);
  // A body of what would be lengths, were it taken for them.
  return [0x30, ...digits, ...Array.from({ length }, () => 255)];
}

describe('the sizes of packets in a stream', () => {
  it.each([0, 1, 127, 128, 16_383, 16_384])('are seen to the byte, with a remaining length of %d', (length) => {
    const bytes = Uint8Array.from(packet(length));
    expect(new PacketSizes(bytes.length).beyondLimit(bytes)).toBeUndefined();
    expect(new PacketSizes(bytes.length - 1).beyondLimit(bytes)).toBe(bytes.length);
  });

  it('are seen before anything of the packet has come but its length', () => {
    expect(new PacketSizes(1_000_000).beyondLimit(Uint8Array.of(0x30, 255, 255, 255, 127))).toBe(268_435_460);
  });

  it('are seen however the stream is cut into pieces, behind any number of others', () => {
    const lengths = fc.array(fc.integer({ min: 0, max: 300 }), { maxLength: 8 });
    fc.assert(
      fc.property(lengths, fc.array(fc.integer({ min: 1, max: 200 }), { minLength: 1 }), (before, steps) => {
        const sizes = new PacketSizes(310);
        const stream = Uint8Array.from([...before.flatMap(packet), ...packet(400)]);
        const found: number[] = [];
        for (let at = 0, turn = 0; at < stream.length && found.length === 0; turn++) {
          const step = steps[turn % steps.length] as number;
          const size = sizes.beyondLimit(stream.subarray(at, at + step));
          if (size !== undefined) found.push(size);
          at += step;
        }
        expect(found).toEqual([403]);
      }),
    );
  });
});
