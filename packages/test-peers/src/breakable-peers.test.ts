import { existsSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { startPersistentBroker, startRestartableBus } from './breakable-peers.js';
import { brokerKinds } from './broker.js';
import { dbusDaemonMissing } from './bus.js';
import { accepts } from './processes.js';

describe.skipIf(!brokerKinds.includes('mosquitto'))('a broker with persistence', () => {
  it('comes back at the same port, after a SIGKILL too, and is gone when disposed of, even frozen', async () => {
    const broker = await startPersistentBroker();
    const first = broker.process.pid;
    await broker.process.kill();
    expect(broker.process.isRunning).toBe(false);
    expect(await accepts(broker.port)).toBe(false);
    await broker.process.start();
    expect(await accepts(broker.port)).toBe(true);
    expect(broker.process.pid).not.toBe(first);
    broker.process.freeze();
    await broker[Symbol.asyncDispose]();
    expect(await accepts(broker.port)).toBe(false);
  });
});

describe.skipIf(dbusDaemonMissing())('a bus that can be restarted', () => {
  it('comes back at the same address', async () => {
    const bus = await startRestartableBus();
    await bus.process.kill();
    expect(existsSync(bus.path)).toBe(true);
    await bus.process.start();
    expect(bus.process.isRunning).toBe(true);
    await bus[Symbol.asyncDispose]();
    expect(existsSync(bus.path)).toBe(false);
  });
});
