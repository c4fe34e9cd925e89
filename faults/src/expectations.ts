import type { Figures } from './checker.js';
import type { Life } from './gateway.js';
import { endsGateway, type Schedule } from './schedule.js';

/**
 * What of a run breaks a promise: something lost outside the window that its setting documents, out of order, altered or
 * invented; an event doubled at QoS 2 from the outbox `always`, where the gateway was not ended; something dropped for a
 * reason that nothing in the schedule gives.
 */
export function judge(
  { setting, faults }: Schedule,
  events: Figures,
  commands: Figures,
  lives: readonly Pick<Life, 'number' | 'counts'>[],
): string[] {
  const problems: string[] = [];
  const expectNone = (count: number, what: string) => {
    if (count > 0) problems.push(`${count} ${what}`);
  };
  for (const [figures, what] of [
    [events, 'events'],
    [commands, 'commands'],
  ] as const) {
    expectNone(figures.lost, `${what} lost`);
    expectNone(figures.outOfOrder, `${what} out of order`);
    expectNone(figures.altered, `${what} altered`);
    expectNone(figures.stray, `${what} arrived that nobody sent`);
  }
  const mayDouble = setting.durability !== 'always' || faults.some(({ name }) => endsGateway(name));
  if (setting.qos === 2 && !mayDouble) {
    expectNone(events.doubled - events.doubledByBroker, 'events doubled at QoS 2 from the outbox always');
  }
  const isDamaged = faults.some(({ name }) => name === 'storeTruncate' || name === 'storeFlip');
  for (const { number, counts } of lives) {
    for (const { direction, reasons } of Object.values(counts)) {
      for (const [reason, count] of Object.entries(reasons)) {
        if (isDamaged && reason === 'outbox_damaged') continue;
        // Nobody holds a command of QoS 0 for the next life.
        if (setting.qos === 0 && reason === 'stopped') continue;
        problems.push(`life ${number} of the gateway dropped ${count} as ${reason} (${direction})`);
      }
    }
  }
  return problems;
}
