import { describe, expect, it } from 'vitest';
import { encodeConnect, encodePublish, encodeSubscribe, PacketSplitter } from './mqtt-packets.js';

describe('packets', () => {
  it('are those of MQTT 3.1.1', () => {
    expect(encodeConnect('me').toString('hex')).toBe('100e00044d51545404020000' + '00026d65');
    expect(encodeSubscribe(258, 'a/#').toString('hex')).toBe('82080102' + '0003612f23' + '00');
    expect(encodePublish('a/b', 'hi').toString('hex')).toBe('3007' + '0003612f62' + '6869');
  });

  it('carry their length in as many bytes as it needs', () => {
    // 2 bytes for the topic's length, 1 for the topic.
    expect(encodePublish('t', 'x'.repeat(124)).subarray(1, 4).toString('hex')).toBe('7f0001');
    expect(encodePublish('t', 'x'.repeat(125)).subarray(1, 4).toString('hex')).toBe('800100');
    expect(encodePublish('t', 'x'.repeat(16_381)).subarray(1, 5).toString('hex')).toBe('80800100');
  });
});

describe('PacketSplitter', () => {
  const packets = [
    encodePublish('site/room1/temperature', '{"value":1}'),
    Buffer.from([0xd0, 0]),
    encodePublish('t', 'x'.repeat(300)),
    Buffer.from([0x90, 3, 0, 1, 0]),
  ];
  const stream = Buffer.concat(packets);
  const expected = [
    [3, packets[0]?.subarray(2)],
    [13, Buffer.alloc(0)],
    [3, packets[2]?.subarray(3)],
    [9, packets[3]?.subarray(2)],
  ];

  function split(chunks: Buffer[]): [number, Buffer][] {
    const splitter = new PacketSplitter();
    const found: [number, Buffer][] = [];
    for (const chunk of chunks) {
      splitter.push(chunk, (type, buffer, start, end) => found.push([type, Buffer.from(buffer.subarray(start, end))]));
    }
    return found;
  }

  it('finds the packets wherever the stream is cut', () => {
    for (let cut = 0; cut <= stream.length; cut++) {
      expect(split([stream.subarray(0, cut), stream.subarray(cut)])).toEqual(expected);
    }
  });

  it('finds them byte by byte', () => {
    expect(split([...stream].map((byte) => Buffer.from([byte])))).toEqual(expected);
  });
});
