/** A line in which the gateway accounts for one direction. */
export interface Counts {
  readonly direction: 'bus to MQTT' | 'MQTT to bus';
  readonly received: number;
  readonly forwarded: number;
  readonly filtered: number;
  /** The sum that it gives. */
  readonly dropped: number;
  readonly reasons: Readonly<Record<string, number>>;
  readonly waiting: number;
}

const LINE =
  /(bus to MQTT|MQTT to bus): received (\d+), forwarded (\d+), filtered (\d+), dropped (\d+)(?: \(([^)]*)\))?, waiting (-?\d+)/;
const STATUS_LINE = /; outbox (\d+) waiting.*; commands (\d+) waiting/;

/** Reads a line of the gateway's log; `undefined` when it is none of its accounts. */
export function parseCounts(line: string): Counts | undefined {
  const match = LINE.exec(line);
  if (!match) return undefined;
  const [, direction, received, forwarded, filtered, dropped, reasons = '', waiting] = match;
  return {
    direction: direction as Counts['direction'],
    received: Number(received),
    forwarded: Number(forwarded),
    filtered: Number(filtered),
    dropped: Number(dropped),
    reasons: Object.fromEntries(
      reasons
        .split(', ')
        .filter(Boolean)
        .map((each) => [each.slice(0, each.lastIndexOf(' ')), Number(each.slice(each.lastIndexOf(' ') + 1))]),
    ),
    waiting: Number(waiting),
  };
}

/** What the gateway holds by its own look at outbox and bus, which its accounts must agree with. */
export interface Held {
  readonly 'bus to MQTT': number;
  readonly 'MQTT to bus': number;
}

/** Reads the line of the gateway's log that says how it is; `undefined` when it is another. */
export function parseHeld(line: string): Held | undefined {
  const match = STATUS_LINE.exec(line);
  return match ? { 'bus to MQTT': Number(match[1]), 'MQTT to bus': Number(match[2]) } : undefined;
}

/** What does not add up in it. */
export function faultOfCounts({
  received,
  forwarded,
  filtered,
  dropped,
  reasons,
  waiting,
}: Counts): string | undefined {
  if (received !== forwarded + filtered + dropped + waiting) {
    return `received ${received} is not forwarded ${forwarded} + filtered ${filtered} + dropped ${dropped} + waiting ${waiting}`;
  }
  if (waiting < 0) return `${waiting} are waiting`;
  const sum = Object.values(reasons).reduce((total, count) => total + count, 0);
  return sum === dropped ? undefined : `dropped ${dropped} is not the sum of its reasons, ${sum}`;
}
