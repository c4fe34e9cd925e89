import { type Counts, type DirectionCounts, formatCounts } from './counts.js';
import type { GatewayCounts } from './gateway-status.js';
import type { Logger } from './logger.js';

/** So many rules are told of, those that decided most. */
const TOLD_RULES = 20;

/** Writes the sums, and those of each filter where there are several. */
export function logCounts(logger: Logger, { out, in: into, replies: { sent, lost } }: GatewayCounts): void {
  logDirection(logger, 'bus to MQTT', out);
  logDirection(logger, 'MQTT to bus', into);
  if (sent + lost > 0) logger.info(`answers to commands: sent ${sent}, lost ${lost}`);
}

/** Writes what the busiest rules have decided. */
export function logRules(logger: Logger, { out, in: into }: GatewayCounts): void {
  logRulesOf(logger, 'bus to MQTT', out);
  logRulesOf(logger, 'MQTT to bus', into);
}

function logDirection(logger: Logger, direction: string, counts: DirectionCounts): void {
  const filters: [string, Counts][] = Object.entries(counts.filters);
  if (filters.length > 0) logger.info(`${direction}: ${formatCounts(counts)}`);
  if (filters.length < 2) return;
  for (const [name, each] of filters) logger.info(`${direction}, ${name}: ${formatCounts(each)}`);
}

function logRulesOf(logger: Logger, direction: string, { rules }: DirectionCounts): void {
  const all: [string, Counts][] = Object.entries(rules);
  const busiest = all.sort(([, a], [, b]) => b.received - a.received).slice(0, TOLD_RULES);
  for (const [name, each] of busiest) logger.info(`${direction}, rule ${name}: ${formatCounts(each)}`);
  if (all.length > TOLD_RULES)
    logger.info(`${direction}: ${all.length - TOLD_RULES} more rules have decided something`);
}
