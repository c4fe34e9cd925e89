import {
  bodyOffset,
  encodeMessage,
  MessageType,
  NO_REPLY_EXPECTED,
  SERIAL_OFFSET,
} from '@cstbox/test-peers/dbus-message';
import { BLANK_DATA, STAMP_DIGITS, STAMP_KEY, VALUE_DIGITS, VALUE_KEY, writeDigits } from './event-payload.js';

export const EVENT_MANAGER = 'fr.cstb.cstbox.EventManager';
export const VARIABLE_TYPE = 'temperature';

interface Template {
  frame: Buffer;
  timestampAt: number;
  valueEnd: number;
  stampEnd: number;
}

/** What differs from batch to batch. */
export interface Batch {
  /** Number of the first event: it decides the variable (in turns) and is added to the first value. */
  first: number;
  count: number;
  firstSerial: number;
  timestampMs: number;
  stampNs: bigint;
}

/** Encodes `onCSTBoxEvent` signals by patching a prepared frame for each variable. */
export class EventFrames {
  readonly #templates: Template[];
  readonly #firstValue: number;

  constructor(variableNames: readonly string[], firstValue: number) {
    this.#templates = variableNames.map(createTemplate);
    this.#firstValue = firstValue;
  }

  /** The frames of a batch, one after the other, ready to be written. */
  encode({ first, count, firstSerial, timestampMs, stampNs }: Batch): Buffer {
    let length = 0;
    for (let i = first; i < first + count; i++) length += this.#templateOf(i).frame.length;
    const bytes = Buffer.allocUnsafe(length);
    const timestamp = BigInt(timestampMs);
    const seconds = Number(stampNs / 1_000_000_000n);
    const nanoseconds = Number(stampNs % 1_000_000_000n);
    let at = 0;
    for (let i = 0; i < count; i++) {
      const { frame, timestampAt, valueEnd, stampEnd } = this.#templateOf(first + i);
      frame.copy(bytes, at);
      bytes.writeUInt32LE(firstSerial + i, at + SERIAL_OFFSET);
      bytes.writeBigUInt64LE(timestamp, at + timestampAt);
      writeDigits(bytes, at + valueEnd, VALUE_DIGITS, this.#firstValue + first + i);
      writeDigits(bytes, at + stampEnd, 9, nanoseconds);
      writeDigits(bytes, at + stampEnd - 9, STAMP_DIGITS - 9, seconds);
      at += frame.length;
    }
    return bytes;
  }

  #templateOf(event: number): Template {
    return this.#templates[event % this.#templates.length] as Template;
  }
}

function createTemplate(variableName: string): Template {
  const frame = encodeMessage({
    type: MessageType.SIGNAL,
    flags: NO_REPLY_EXPECTED,
    serial: 0,
    path: '/sensor',
    interface: EVENT_MANAGER,
    member: 'onCSTBoxEvent',
    signature: 'tsss',
    body: (writer) => writer.uint64(0n).string(VARIABLE_TYPE).string(variableName).string(BLANK_DATA),
  });
  const dataAt = frame.lastIndexOf(BLANK_DATA);
  return {
    frame,
    timestampAt: bodyOffset(frame),
    valueEnd: dataAt + BLANK_DATA.indexOf(VALUE_KEY) + VALUE_KEY.length + VALUE_DIGITS,
    stampEnd: dataAt + BLANK_DATA.indexOf(STAMP_KEY) + STAMP_KEY.length + STAMP_DIGITS,
  };
}
