import { decodeMessage, encodeMessage, FrameSplitter, MessageType } from '@cstbox/test-peers/dbus-message';
import { describe, expect, it } from 'vitest';
import { decodeWithDbusNext, encodeWithDbusNext } from './dbus-next-codec.js';

const call = {
  type: MessageType.CALL,
  serial: 7,
  path: '/framework',
  interface: 'fr.cstb.cstbox.EventManager',
  member: 'emitEvent',
  destination: 'fr.cstb.cstbox.EventManager',
};

describe('a D-Bus message', () => {
  it('reads the same to dbus-next', () => {
    const frame = encodeMessage({
      ...call,
      signature: 'sus',
      body: (writer) => writer.string('é').uint32(42).string('{}'),
    });
    expect(decodeWithDbusNext(frame)).toMatchObject({ ...call, signature: 'sus', body: ['é', 42, '{}'] });
  });

  it('is read as dbus-next wrote it', () => {
    const frame = encodeWithDbusNext({ ...call, replySerial: 3, signature: 'b', body: [true] });
    const { body, ...fields } = decodeMessage(frame);
    expect(fields).toEqual({ ...call, flags: 0, replySerial: 3, signature: 'b' });
    expect(body.readUInt32LE(0)).toBe(1);
  });

  it('may be larger than the first buffer', () => {
    const text = 'x'.repeat(5_000);
    const { body } = decodeMessage(encodeMessage({ ...call, signature: 's', body: (writer) => writer.string(text) }));
    expect(body.toString('utf8', 4, body.length - 1)).toBe(text);
  });
});

describe('FrameSplitter', () => {
  // The middle one does not end on a boundary of 8.
  const frames = [
    encodeMessage(call),
    encodeMessage({ ...call, serial: 8, signature: 's', body: (writer) => writer.string('odd') }),
    encodeMessage({ ...call, serial: 9 }),
  ];
  const stream = Buffer.concat(frames);

  function split(chunks: Buffer[]): Buffer[] {
    const splitter = new FrameSplitter();
    const found: Buffer[] = [];
    for (const chunk of chunks) splitter.push(chunk, (frame) => found.push(frame));
    return found;
  }

  it('finds the frames wherever the stream is cut', () => {
    for (let cut = 0; cut <= stream.length; cut++) {
      expect(split([stream.subarray(0, cut), stream.subarray(cut)])).toEqual(frames);
    }
  });

  it('finds them byte by byte', () => {
    expect(split([...stream].map((byte) => Buffer.from([byte])))).toEqual(frames);
  });
});
