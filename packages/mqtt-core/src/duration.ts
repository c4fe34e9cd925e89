const UNITS = [
  ['d', 86_400],
  ['h', 3_600],
  ['min', 60],
  ['s', 1],
] as const;

/** A duration as people say it, by its two largest units: `40 ms`, `4.2 s`, `2 min 5 s`, `3 h 2 min`, `5 d`. */
export function formatDuration(ms: number): string {
  if (ms < 99.5) return `${Math.max(0, Math.round(ms))} ms`;
  if (ms < 9_950) return `${(ms / 1_000).toFixed(1)} s`;
  const seconds = Math.round(ms / 1_000);
  const largest = UNITS.findIndex(([, size]) => seconds >= size);
  const [unit, size] = UNITS[largest] as (typeof UNITS)[number];
  const smaller = UNITS[largest + 1];
  if (!smaller) return `${seconds} ${unit}`;
  // Rounded to the smaller unit first: 59 min 59.9 s are an hour.
  const inSmaller = Math.round(seconds / smaller[1]);
  const count = Math.floor(inSmaller / (size / smaller[1]));
  const rest = inSmaller % (size / smaller[1]);
  if (largest > 0 && count === (UNITS[largest - 1]?.[1] as number) / size)
    return formatDuration(inSmaller * smaller[1] * 1_000);
  return rest === 0 ? `${count} ${unit}` : `${count} ${unit} ${rest} ${smaller[0]}`;
}

/** A number as people read it: `12,345`. */
export function formatCount(count: number): string {
  return count.toLocaleString('en-US');
}
