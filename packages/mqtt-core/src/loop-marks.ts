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

/** What a message says of the gateways that it came through. */
export interface LoopMarks {
  readonly hops: number;
  /** All that are named: a program on the way may have added its own to what was there. */
  readonly origins: readonly string[];
}

const NONE: LoopMarks = Object.freeze({ hops: 0, origins: Object.freeze([]) });

/**
 * Reads the marks of a message. A count that is none stands for infinitely many hops: who writes such a thing is no gateway of ours, and a loop must
 * not go on because somebody in it miscounts. A name that can't be published on is left out.
 */
export function readMarks({ properties }: MQTTMessage): LoopMarks {
  const all = properties?.userProperties;
  if (!all || !(HOPS in all || ORIGIN in all)) return NONE;
  const counts = [all[HOPS] ?? []].flat().map((count) => (COUNT.test(count) ? Number(count) : Infinity));
  return { hops: Math.max(0, ...counts), origins: [all[ORIGIN] ?? []].flat().filter(isOrigin) };
}

/** The marks for a message that goes out because of one with such marks. */
export function nextMarks({ hops, origins }: LoopMarks, own: string): Readonly<Record<string, string>> {
  return { [HOPS]: String(hops + 1), [ORIGIN]: origins[0] ?? own };
}

function isOrigin(text: string): boolean {
  if (text === '' || text.length > MAX_ORIGIN_LENGTH) return false;
  return propertiesFault({ userProperties: { [ORIGIN]: text } }) === undefined;
}
