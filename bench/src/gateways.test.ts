import { expect, it } from 'vitest';
import { nameOf } from './durability.js';
import { subjectsOf } from './gateways.js';

it('measures each durability of a gateway that has an outbox, and once a gateway that has none', () => {
  const subjects = subjectsOf(['mqttgwd', 'node-pipe'], ['memory', 'always'], [0, 2]);
  expect(subjects.map(nameOf)).toEqual([
    'mqttgwd, memory, QoS 0',
    'mqttgwd, always, QoS 0',
    'node-pipe, QoS 0',
    'mqttgwd, memory, QoS 2',
    'mqttgwd, always, QoS 2',
    'node-pipe, QoS 2',
  ]);
});
