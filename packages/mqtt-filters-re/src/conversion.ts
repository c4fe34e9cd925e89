/** How a captured text is written into a template: as it is, as an integer, as a number, as a hexadecimal integer. */
export type Conversion = 's' | 'd' | 'f' | 'x';

const INTEGER = /^[+-]?\d+$/;
/** Each digit fits in one place only: a topic of digits alone would else take seconds. */
const NUMBER = /^[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?$/;

/** Characters of an integer. Python takes 4,300 digits; the time to convert them grows with their square. */
const MAX_DIGITS = 300;

function isInteger(text: string): boolean {
  return text.length <= MAX_DIGITS && INTEGER.test(text);
}

/** What Python's `%` makes of a captured text; `undefined` when the text is no number of the kind asked for. */
export function convert(text: string, conversion: Conversion): string | undefined {
  switch (conversion) {
    case 's':
      return text;
    case 'd':
      return isInteger(text) ? BigInt(text).toString() : undefined;
    case 'x':
      return isInteger(text) ? BigInt(text).toString(16) : undefined;
    case 'f':
      return NUMBER.test(text) && Number.isFinite(Number(text)) ? sixDecimals(text) : undefined;
  }
}

function sixDecimals(text: string): string {
  const magnitude = Math.abs(Number(text));
  // JavaScript loses the sign of a negative zero.
  const sign = text.startsWith('-') ? '-' : '';
  // From 1e21 on, toFixed turns to exponents; such a number has no decimals.
  if (magnitude >= 1e21) return `${sign}${BigInt(magnitude)}.000000`;
  // Odd multiples of 1/128 lie half-way between two results: Python takes the even one, toFixed the greater one.
  const [, truncated] = (magnitude * 128) % 2 === 1 ? (/^(.*[02468])5$/.exec(magnitude.toFixed(7)) ?? []) : [];
  return sign + (truncated ?? magnitude.toFixed(6));
}
