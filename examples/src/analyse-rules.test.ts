import { expect, it } from 'vitest';
import { run } from './testing/run.js';

it('analyse-rules prints what is wrong with the rules', async () => {
  await using program = run('analyse-rules');
  expect(await program.exit).toBe(0);
  const lines = program.output.stdout.trim().split('\n');
  expect(lines).toEqual([
    expect.stringMatching(/^error possible_loop outbound\.rules\.3 light:\w$/),
    'info overlap outbound.rules.1 temperature:bed',
    'warning shadowed outbound.rules.2 temperature:bedroom',
    'warning unfed_rule inbound.rules.1 ',
    'warning dead_subscription listened_topics.1 ',
    expect.stringMatching(/^warning unanchored_end outbound\.rules\.0\.0 temperature:bed[a-z]$/),
  ]);
});
