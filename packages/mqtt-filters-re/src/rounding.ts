/** Numbers above it have no decimals: what is rounded to a digit beyond the 15 that a number has, stays as it is. */
const INTEGERS_ONLY = 2 ** 52;

/**
 * Rounds to so many decimals, halves away from zero, by the decimal digits that the number is written with: 1.005 becomes
 * 1.01, although the binary number is a little less.
 *
 * @param decimals an integer from 0 to 12
 */
export function round(value: number, decimals: number): number {
  const magnitude = Math.abs(value);
  const power = 10 ** decimals;
  const scaled = magnitude * power;
  if (!(scaled < INTEGERS_ONLY)) return value;
  const down = Math.floor(scaled);
  const isNearHalf = Math.abs(scaled - down - 0.5) < NEAR * Math.max(1, scaled);
  const rounded = (isNearHalf ? shifted(magnitude, decimals) : Math.round(scaled)) / power;
  return value < 0 && rounded !== 0 ? -rounded : rounded;
}

/** Larger than the error of a multiplication (2^-53), with room. */
const NEAR = 2 ** -50;

/** The whole number that is left when the point is moved by so many digits and the rest is rounded, as on paper. */
function shifted(magnitude: number, decimals: number): number {
  const [written = '', exponent = 0] = String(magnitude).split('e');
  const [whole = '', fraction = ''] = written.split('.');
  const digits = whole + fraction;
  const point = whole.length + Number(exponent) + decimals;
  if (point < 0) return 0;
  const roundsUp = (digits[point] ?? '0') >= '5';
  return Number(digits.slice(0, point).padEnd(point, '0')) + (roundsUp ? 1 : 0);
}
