/** What the gateway says of the events that it took from the bus, when it is asked. */
export interface GatewayCounts {
  received: number;
  forwarded: number;
  filtered: number;
  dropped: number;
  waiting: number;
}

const KEYS = ['received', 'forwarded', 'filtered', 'dropped', 'waiting'] as const;

/** Reads the line that the gateway writes about the way from the bus to MQTT; undefined for any other. */
export function parseCounts(line: string): GatewayCounts | undefined {
  const [, text] = /bus to MQTT: (.*)/.exec(line) ?? [];
  if (text === undefined) return undefined;
  const counts = {} as GatewayCounts;
  for (const key of KEYS) {
    const number = new RegExp(`\\b${key} (\\d+)`).exec(text)?.[1];
    if (number === undefined) return undefined;
    counts[key] = Number(number);
  }
  return counts;
}
