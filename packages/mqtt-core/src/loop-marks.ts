import { propertiesFault } from './message-properties.js';
import type { MQTTMessage } from './mqtt-message.js';

/** The MQTT 5 user property that counts the gateways that a message has come through. */
const HOPS = 'mqttgw-hops';
/** The MQTT 5 user property that names the first of them. */
const ORIGIN = 'mqttgw-origin';
/** A count of hops, as gateways write it. */
const COUNT = /^\d{1,9}$/;
/** A client id that is longer is none of a gateway's. */
const MAX_ORIGIN_LENGTH = 256;

/** Of each mark so many are read: whoever writes more is no gateway. */
const MAX_VALUES = 16;

/** What a message says of the gateways that it came through. */
export interface LoopMarks {
  readonly hops: number;
  /** All that are named: a program on the way may have added its own to what was there. */
  readonly origins: readonly string[];
}

const NONE: LoopMarks = Object.freeze({ hops: 0, origins: Object.freeze([]) });
const UNREADABLE: LoopMarks = Object.freeze({ ...NONE, hops: Infinity });

/**
 * Reads the marks of a message. A count that is none, or more marks than 16, stand for infinitely many hops: who writes such a thing is no gateway of ours, and a loop must
 * not go on because somebody in it miscounts. A name that can't be published on is left out.
 */
export function readMarks({ properties }: MQTTMessage): LoopMarks {
  const all = properties?.userProperties;
  if (!all || !(HOPS in all || ORIGIN in all)) return NONE;
  const counts = listOf(all[HOPS]);
  const origins = listOf(all[ORIGIN]);
  if (counts.length > MAX_VALUES || origins.length > MAX_VALUES) return UNREADABLE;
  const hops = counts.map((count) => (COUNT.test(count) ? Number(count) : Infinity));
  return { hops: Math.max(0, ...hops), origins: origins.filter(isOrigin) };
}

/** The marks for a message that goes out because of one with such marks, as user properties. */
export function nextMarks({ hops, origins }: LoopMarks, own: string): Readonly<Record<string, string>> {
  return { [HOPS]: String(hops + 1), [ORIGIN]: origins[0] ?? own };
}

function listOf(values: string | readonly string[] | undefined): readonly string[] {
  return typeof values === 'string' ? [values] : (values ?? []);
}

function isOrigin(text: string): boolean {
  if (text === '' || text.length > MAX_ORIGIN_LENGTH) return false;
  return propertiesFault({ userProperties: { [ORIGIN]: text } }) === undefined;
}
