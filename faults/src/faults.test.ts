import { brokerKinds, dbusDaemonMissing } from '@cstbox/test-peers';
import { describe, expect, it, vi } from 'vitest';
import { faultNames } from './fault-kinds.js';
import { renderFailure } from './report.js';
import { runSchedule } from './run.js';
import { describeSetting, generateSchedule } from './schedule.js';

/** Chosen so that together they have every fault, and the six settings that promise something. */
const SEEDS = [1, 3, 5, 9, 136, 140, 184, 941, 27_047];
const schedules = SEEDS.map(generateSchedule);
const isPossible = dbusDaemonMissing() === undefined && brokerKinds.includes('mosquitto');

// More at a time would take the machine from the tests of the other packages.
vi.setConfig({ maxConcurrency: 2 });

describe('the short form of the fault suite', () => {
  it('has every fault, and every setting at QoS 1 and 2', () => {
    const names = new Set(schedules.flatMap(({ faults }) => faults.map(({ name }) => name)));
    expect(faultNames.filter((name) => !names.has(name))).toEqual([]);
    expect(new Set(schedules.map(({ setting }) => `${setting.durability} ${setting.qos}`)).size).toBe(6);
  });
});

describe.skipIf(!isPossible)(
  'nothing is lost, doubled or out of order beyond what is documented',
  { concurrent: true },
  () => {
    it.each(
      schedules.map(
        (schedule) =>
          [schedule.faults.map(({ name }) => name).join(', '), describeSetting(schedule.setting), schedule] as const,
      ),
    )(
      'through %s (%s)',
      async (_faults, _setting, schedule) => {
        const result = await runSchedule(schedule, new AbortController().signal);
        expect(result.problems, `${renderFailure(result)}\n\n${result.story.join('\n')}`).toEqual([]);
        expect(result.events.count).toBeGreaterThan(0);
        expect(result.commands.count).toBeGreaterThan(0);
      },
      90_000,
    );
  },
);
