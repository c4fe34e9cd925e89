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
  const rounded = (isNearHalf ? Math.round(shifted(magnitude, decimals)) : Math.round(scaled)) / power;
  return value < 0 && rounded !== 0 ? -rounded : rounded;
}

/** Larger than the error of a multiplication (2^-53), with room. */
const NEAR = 2 ** -50;

/** The point moved by so many digits, as on paper: no error of a multiplication. */
function shifted(magnitude: number, decimals: number): number {
  const [digits, exponent = 0] = String(magnitude).split('e');
  return Number(`${digits}e${Number(exponent) + decimals}`);
}
