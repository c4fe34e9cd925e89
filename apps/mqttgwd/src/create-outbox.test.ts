import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { checkConfiguration } from '@cstbox/dbus-bus';
import { MemoryOutbox, silentLogger } from '@cstbox/mqtt-core';
import { expect, it } from 'vitest';
import { createOutbox, placeOfOutbox } from './create-outbox.js';

it('the outbox of a simulation leaves alone what is stored', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'mqttgwd-test-'));
  try {
    const configuration = checkConfiguration({ broker: { host: 'h' }, outbox: { directory } });
    const listener = { ready: () => {}, givenUp: () => {}, kept: () => {} };
    const stored = createOutbox(configuration, silentLogger);
    await stored.open(listener);
    stored.put({ topic: 't', payload: 'x', qos: 1, retain: false });
    await stored.close();

    const lines: string[] = [];
    const simulated = { ...configuration, simulate: true };
    const outbox = createOutbox(simulated, { ...silentLogger, info: (line) => void lines.push(line) });
    expect(outbox).toBeInstanceOf(MemoryOutbox);
    expect(placeOfOutbox(simulated).durability).toBe('memory');
    expect(lines).toEqual([`simulated: messages that wait in ${directory} are left alone, and none is put there`]);

    const again = createOutbox(configuration, silentLogger);
    await again.open(listener);
    expect(again.waiting).toBe(1);
    await again.close();
  } finally {
    await rm(directory, { recursive: true });
  }
});
