import { FrameSplitter, MessageType, NO_REPLY_EXPECTED } from '@cstbox/test-peers/dbus-message';
import { expect, it } from 'vitest';
import { decodeWithDbusNext, encodeWithDbusNext } from './dbus-next-codec.js';
import { EVENT_MANAGER, EventFrames } from './event-frames.js';
import { FIRST_FLOOD_VALUE } from './event-payload.js';

it('encodes a batch of events as dbus-next would, byte for byte', () => {
  const frames = new EventFrames(['room0', 'room10', 'room100'], FIRST_FLOOD_VALUE);
  const timestampMs = 1_700_000_000_123;
  const batch = frames.encode({ first: 4, count: 5, firstSerial: 300, timestampMs, stampNs: 98_765_012_345_678n });
  const found: Buffer[] = [];
  new FrameSplitter().push(batch, (frame) => found.push(frame));

  const expected = ['room10', 'room100', 'room0', 'room10', 'room100'].map((name, i) =>
    encodeWithDbusNext({
      type: MessageType.SIGNAL,
      flags: NO_REPLY_EXPECTED,
      serial: 300 + i,
      path: '/sensor',
      interface: EVENT_MANAGER,
      member: 'onCSTBoxEvent',
      signature: 'tsss',
      body: [
        BigInt(timestampMs),
        'temperature',
        name,
        `{"value":${1_000_000_004 + i},"unit":"degC","sent":"0000098765012345678"}`,
      ],
    }),
  );
  expect(found.map((frame) => decodeWithDbusNext(frame))).toEqual(expected.map((frame) => decodeWithDbusNext(frame)));
  expect(found).toEqual(expected);
});
