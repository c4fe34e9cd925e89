/** Median, least and greatest of some runs. */
export interface Spread {
  median: number;
  min: number;
  max: number;
}

/** @throws RangeError without values */
export function spread(values: readonly number[]): Spread {
  const sorted = sort(values);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] as number;
  return {
    median: sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] as number) + upper) / 2,
    min: sorted[0] as number,
    max: sorted[sorted.length - 1] as number,
  };
}

/**
 * The least value that at least `percent` of the values do not exceed (nearest rank: always one that occurred).
 *
 * @throws RangeError without values
 */
export function percentile(values: ArrayLike<number>, percent: number): number {
  const sorted = sort(values);
  const rank = Math.ceil((percent / 100) * sorted.length);
  return sorted[Math.max(rank, 1) - 1] as number;
}

function sort(values: ArrayLike<number>): Float64Array {
  if (values.length === 0) throw new RangeError('no values');
  return Float64Array.from(values).sort();
}
