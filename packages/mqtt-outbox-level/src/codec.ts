import { crc32 } from 'node:zlib';
import type { OutboundMessage } from '@cstbox/mqtt-core';
import { ByteReader, ByteWriter } from './bytes.js';
import type { Entry } from './segment.js';
import type { SlottedMessage, Summary } from './summary.js';

/** What the index says of a segment: enough to count it, to read it, and to tell what is lost with it. */
export interface IndexEntry {
  readonly summary: Summary;
  /** The checksum of the segment's data. */
  readonly checksum: number;
  /** How many bytes in the data are those of messages that were superseded, as `sizeOfMessage` counts them. */
  readonly wasted: number;
}

/** Of a record: bits 0 and 1 are the QoS. */
const RETAIN = 4;
const BYTES = 8;
/** In layout 2 only. */
const LATEST = 16;
const EXPIRES = 32;
const PROPERTIES = 64;

/** An `expiresAt` is kept within 71,000 years of the Epoch, where every difference can be written as an exact integer. */
const LAST_DATE = 2 ** 51;

const writer = new ByteWriter();

/** How the data of messages is laid out: 2 where one has user properties, expires, or says `latest`; 1 otherwise. */
export type Layout = 1 | 2;

export function layoutOf(entries: readonly Entry[]): Layout {
  const isPlain = ({ message: { latest, expiresAt, userProperties } }: Entry) =>
    !latest && expiresAt === undefined && userProperties === undefined;
  return entries.every(isPlain) ? 1 : 2;
}

/**
 * The messages of a segment as one value: a checksum of the rest, the segment's first sequence number, the names of the
 * rules, and the records. Each is its slot, the time since the one before, flags, rule, topic and payload.
 *
 * Layout 2 begins with a zero, which is no sequence number. There the sets of user properties follow the rules; records have
 * more flags, and between rule and topic, where the flags say so, the number of a set, and the time until the message expires.
 */
export function encodeData(first: number, entries: readonly Entry[], layout: Layout): Buffer {
  const rules = new Map<string | undefined, number>();
  for (const { message } of entries) if (!rules.has(message.rule)) rules.set(message.rule, rules.size);
  if (layout === 2) writer.integer(0);
  writer.integer(first);
  writer.integer(rules.size);
  for (const rule of rules.keys()) writeRule(rule);
  const properties = layout === 2 ? writeProperties(entries) : undefined;
  writer.integer(entries.length);
  let before = 0;
  for (const { sequence, since, message } of entries) {
    const { topic, payload, qos, retain, rule } = message;
    const bytes = typeof payload !== 'string';
    writer.integer(sequence - first);
    writer.integer(zigzag(since - before));
    const flags = qos | (retain ? RETAIN : 0) | (bytes ? BYTES : 0);
    writer.byte(properties ? flags | flagsOf(message) : flags);
    writer.integer(rules.get(rule) ?? 0);
    if (properties) {
      const { userProperties, expiresAt } = message;
      if (userProperties) writer.integer(properties.get(userProperties) ?? 0);
      if (expires(expiresAt)) writer.integer(zigzag(wholeDate(expiresAt) - since));
    }
    writer.text(topic);
    if (bytes) writer.bytes(payload);
    else writer.text(payload);
    before = since;
  }
  return seal(writer.finish());
}

/** The checksum that a segment's data carries, or `undefined` when it does not hold: the data is damaged. */
export function checksumOf(data: Buffer): number | undefined {
  return unseal(data) && data.readUInt32LE(0);
}

/** The messages of a segment, or `undefined` when the data is damaged or that of another segment. */
export function decodeData(first: number, data: Buffer): SlottedMessage[] | undefined {
  const body = unseal(data);
  if (!body) return undefined;
  return whole(() => {
    const reader = new ByteReader(body);
    let number = reader.integer();
    const extended = number === 0;
    if (extended) number = reader.integer();
    if (number !== first) return undefined;
    const rules = Array.from({ length: reader.integer() }, () => readRule(reader));
    const properties = extended ? Array.from({ length: reader.integer() }, () => readProperties(reader)) : [];
    const records: SlottedMessage[] = [];
    let since = 0;
    for (let count = reader.integer(); count > 0; count--) {
      const slot = reader.integer();
      since += unzigzag(reader.integer());
      const flags = reader.byte();
      const rule = rules[reader.integer()];
      const userProperties = flags & PROPERTIES ? properties[reader.integer()] : undefined;
      const expiresAt = flags & EXPIRES ? since + unzigzag(reader.integer()) : undefined;
      const topic = reader.text();
      const payload = flags & BYTES ? reader.bytes() : reader.text();
      const message = { topic, payload, qos: (flags & 3) as 0 | 1 | 2, retain: (flags & RETAIN) !== 0, rule };
      const latest = (flags & LATEST) !== 0;
      records.push({ slot, since, message: extended ? { ...message, userProperties, expiresAt, latest } : message });
    }
    return records;
  });
}

/** What is about messages that say `latest` comes last, where there are any. */
export function encodeIndex(first: number, { summary, checksum, wasted }: IndexEntry): Buffer {
  const { slots, waiting, bytes, until, rules, latest, settled } = summary;
  for (const value of [first, checksum, slots, waiting, bytes, zigzag(until)]) writer.integer(value);
  writer.integer(rules.length);
  for (const { rule, count } of rules) {
    writeRule(rule);
    writer.integer(count);
  }
  writer.bytes(settled ?? new Uint8Array(0));
  if (latest > 0 || wasted > 0) for (const value of [latest, wasted]) writer.integer(value);
  return seal(writer.finish());
}

/** `undefined` when it is damaged. */
export function decodeIndex(first: number, value: Buffer): IndexEntry | undefined {
  const body = unseal(value);
  if (!body) return undefined;
  return whole(() => {
    const reader = new ByteReader(body);
    if (reader.integer() !== first) return undefined;
    const checksum = reader.integer();
    const [slots, waiting, bytes] = [reader.integer(), reader.integer(), reader.integer()];
    const until = unzigzag(reader.integer());
    const rules = Array.from({ length: reader.integer() }, () => ({ rule: readRule(reader), count: reader.integer() }));
    const settled = reader.bytes();
    const [latest, wasted] = reader.ended ? [0, 0] : [reader.integer(), reader.integer()];
    const summary = { slots, waiting, bytes, until, rules, latest, settled: settled.length > 0 ? settled : undefined };
    return { summary, checksum, wasted };
  });
}

/** An object as JSON that carries its checksum. */
export function encodeState(state: object): Buffer {
  return seal(Buffer.from(JSON.stringify(state)));
}

/** `undefined` when it is damaged. */
export function decodeState(value: Buffer): unknown {
  const body = unseal(value);
  return body && whole(() => JSON.parse(body.toString()));
}

function seal(body: Buffer): Buffer {
  const sealed = Buffer.allocUnsafe(4 + body.length);
  sealed.writeUInt32LE(crc32(body), 0);
  body.copy(sealed, 4);
  return sealed;
}

function unseal(sealed: Buffer): Buffer | undefined {
  if (sealed.length < 4) return undefined;
  const body = sealed.subarray(4);
  return crc32(body) === sealed.readUInt32LE(0) ? body : undefined;
}

/** A checksum of 32 bits is right by chance once in four billion times; what it let pass may still be no record. */
function whole<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}

function writeRule(rule: string | undefined): void {
  writer.byte(rule === undefined ? 0 : 1);
  if (rule !== undefined) writer.text(rule);
}

function readRule(reader: ByteReader): string | undefined {
  return reader.byte() === 0 ? undefined : reader.text();
}

function flagsOf({ latest, expiresAt, userProperties }: OutboundMessage): number {
  return (latest ? LATEST : 0) | (expires(expiresAt) ? EXPIRES : 0) | (userProperties ? PROPERTIES : 0);
}

function expires(expiresAt: number | undefined): expiresAt is number {
  return expiresAt !== undefined && Number.isFinite(expiresAt);
}

function wholeDate(expiresAt: number): number {
  return Math.round(Math.min(Math.max(expiresAt, -LAST_DATE), LAST_DATE));
}

/** Writes each set of user properties once: the messages of a rule share one. Returns their numbers. */
function writeProperties(entries: readonly Entry[]): Map<object, number> {
  const numbers = new Map<Readonly<Record<string, string>>, number>();
  for (const { message } of entries) {
    const { userProperties } = message;
    if (userProperties && !numbers.has(userProperties)) numbers.set(userProperties, numbers.size);
  }
  writer.integer(numbers.size);
  for (const set of numbers.keys()) {
    const pairs = Object.entries(set);
    writer.integer(pairs.length);
    for (const text of pairs.flat()) writer.text(text);
  }
  return numbers;
}

function readProperties(reader: ByteReader): Record<string, string> {
  return Object.fromEntries(Array.from({ length: reader.integer() }, () => [reader.text(), reader.text()]));
}

/** Small negative numbers become small positive ones: clocks may go back. */
function zigzag(value: number): number {
  return value < 0 ? -value * 2 - 1 : value * 2;
}

function unzigzag(value: number): number {
  return value % 2 === 1 ? -(value + 1) / 2 : value / 2;
}
