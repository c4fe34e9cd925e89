import {
  type EventData,
  type MessageProperties,
  type MQTTMessage,
  type QoS,
  TimedEvent,
  toTimestamp,
} from '@cstbox/mqtt-core';
import { payloadJson } from '../explain/payload-text.js';

/** The version of the format: one that a reader does not know is refused. */
export const FORMAT_VERSION = 1;

/** The first line of each file. */
export interface RecordingHeader {
  readonly mqttgwd_recording: number;
  /** The same in all files of a recording, and in no other. */
  readonly recording?: string;
  /** When the file was begun, in ms since the Epoch. */
  readonly at: number;
  /** From 0: a recording that grew beyond the bound of a file goes on in the next one. */
  readonly part: number;
  /** Of the program that wrote it. */
  readonly version: string;
  /** What was listened to. */
  readonly channels: readonly string[];
  readonly topics: readonly string[];
}

/** What a line of a recording says; `at` in ms since the Epoch, when it came. */
export type RecordedLine =
  | { readonly kind: 'bus'; readonly at: number; readonly channel: string; readonly event: TimedEvent }
  | { readonly kind: 'mqtt'; readonly at: number; readonly message: MQTTMessage }
  /** A side went away or came back: meanwhile nothing was heard of it. */
  | { readonly kind: 'link'; readonly at: number; readonly side: 'bus' | 'mqtt'; readonly isUp: boolean }
  /** So many events and messages came and could not be written. */
  | { readonly kind: 'missed'; readonly at: number; readonly count: number };

/** The line for something that came, as an object for JSON. */
export function toJsonObject(line: RecordedLine): object {
  const { at } = line;
  switch (line.kind) {
    case 'bus': {
      const { timestamp, varType, varName, data } = line.event;
      // JSON's numbers are exact up to 2^53.
      const exact = typeof timestamp === 'bigint' ? String(timestamp) : timestamp;
      return { at, bus: { channel: line.channel, timestamp: exact, var_type: varType, var_name: varName, data } };
    }
    case 'mqtt': {
      const { topic, payload, qos, retain, duplicate, properties } = line.message;
      const message = {
        topic,
        ...payloadJson(payload),
        qos,
        retain,
        duplicate,
        properties: fromProperties(properties),
      };
      return { at, mqtt: message };
    }
    case 'link':
      return { at, link: { side: line.side, up: line.isUp } };
    case 'missed':
      return { at, missed: line.count };
  }
}

/**
 * What a line says.
 *
 * @returns `undefined` when it is no line of a recording: cut off, or somebody else's
 */
export function parseLine(text: string): RecordedLine | RecordingHeader | undefined {
  let read: unknown;
  try {
    read = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (!isObject(read) || typeof read.at !== 'number') return undefined;
  const { at } = read;
  if (isObject(read.bus)) return parseEvent(at, read.bus);
  if (isObject(read.mqtt)) return parseMessage(at, read.mqtt);
  if (isObject(read.link)) {
    const { side, up } = read.link;
    return (side === 'bus' || side === 'mqtt') && typeof up === 'boolean'
      ? { kind: 'link', at, side, isUp: up }
      : undefined;
  }
  if (typeof read.missed === 'number') return { kind: 'missed', at, count: read.missed };
  const { mqttgwd_recording: format, recording = '', part } = read;
  const isHeader = typeof format === 'number' && typeof recording === 'string' && typeof part === 'number';
  return isHeader ? (read as unknown as RecordingHeader) : undefined;
}

export function isHeader(line: RecordedLine | RecordingHeader): line is RecordingHeader {
  return 'mqttgwd_recording' in line;
}

function parseEvent(at: number, bus: Record<string, unknown>): RecordedLine | undefined {
  const { channel, timestamp, var_type: varType, var_name: varName, data } = bus;
  const exact =
    typeof timestamp === 'string' && /^\d{1,20}$/.test(timestamp) ? toTimestamp(BigInt(timestamp)) : timestamp;
  const isWhole = typeof exact === 'number' || typeof exact === 'bigint';
  if (typeof channel !== 'string' || !isWhole || typeof varType !== 'string' || typeof varName !== 'string')
    return undefined;
  if (!isObject(data)) return undefined;
  return { kind: 'bus', at, channel, event: new TimedEvent(exact, varType, varName, data as EventData) };
}

function parseMessage(at: number, mqtt: Record<string, unknown>): RecordedLine | undefined {
  const { topic, payload, payload_base64: base64, qos, retain, duplicate, properties } = mqtt;
  const bytes =
    typeof payload === 'string'
      ? Buffer.from(payload)
      : typeof base64 === 'string'
        ? Buffer.from(base64, 'base64')
        : undefined;
  if (typeof topic !== 'string' || !bytes || (qos !== 0 && qos !== 1 && qos !== 2) || typeof retain !== 'boolean')
    return undefined;
  if (isObject(properties) && !areUserProperties(properties.user_properties)) return undefined;
  const message: MQTTMessage = {
    topic,
    payload: bytes,
    qos: qos as QoS,
    retain,
    ...(duplicate === true && { duplicate }),
    ...(isObject(properties) && { properties: toProperties(properties) }),
  };
  return { kind: 'mqtt', at, message };
}

function fromProperties(properties: MessageProperties | undefined): object | undefined {
  if (!properties) return undefined;
  const { userProperties, responseTopic, correlationData, messageExpiryInterval } = properties;
  return {
    user_properties: userProperties,
    response_topic: responseTopic,
    correlation_data_base64: correlationData && Buffer.from(correlationData).toString('base64'),
    message_expiry_interval: messageExpiryInterval,
  };
}

function toProperties(read: Record<string, unknown>): MessageProperties {
  const { user_properties: user, response_topic: responseTopic, correlation_data_base64: correlation } = read;
  const { message_expiry_interval: expiry } = read;
  return {
    ...(isObject(user) && { userProperties: user as Record<string, string | string[]> }),
    ...(typeof responseTopic === 'string' && { responseTopic }),
    ...(typeof correlation === 'string' && { correlationData: Buffer.from(correlation, 'base64') }),
    ...(typeof expiry === 'number' && { messageExpiryInterval: expiry }),
  };
}

/** Whether they are none, or names with a text or several. */
function areUserProperties(read: unknown): boolean {
  const isText = (value: unknown) => typeof value === 'string';
  if (read === undefined) return true;
  return (
    isObject(read) && Object.values(read).every((value) => (Array.isArray(value) ? value.every(isText) : isText(value)))
  );
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
