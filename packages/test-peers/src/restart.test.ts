import { existsSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { brokerKinds, startBroker } from './broker.js';
import { dbusDaemonMissing, startBus } from './bus.js';
import { accepts } from './processes.js';

describe.skipIf(!brokerKinds.includes('mosquitto'))('a Mosquitto', () => {
  it.each([
    ['with persistence', true],
    ['without', false],
  ])(
    '%s comes back at the same port, after a SIGKILL too, and is gone when disposed of, even frozen',
    async (_what, persistence) => {
      const broker = await startBroker({ kind: 'mosquitto', persistence });
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
    },
  );
});

describe.skipIf(dbusDaemonMissing())('a bus', () => {
  it('comes back at the same address, and leaves nothing when disposed of', async () => {
    const bus = await startBus();
    const path = bus.address.replace('unix:path=', '');
    const first = bus.daemon;
    await bus.kill();
    expect(first.signalCode).toBe('SIGKILL');
    expect(existsSync(path)).toBe(true);
    await bus.process.start();
    expect(bus.process.isRunning).toBe(true);
    expect(bus.daemon.pid).not.toBe(first.pid);
    await bus.restart();
    bus.process.freeze();
    await bus[Symbol.asyncDispose]();
    expect(existsSync(path)).toBe(false);
  });

  it('says at which address it can not listen', async () => {
    await expect(startBus({ address: 'unix:path=/nowhere/bus' })).rejects.toThrow('dbus-daemon ended at once');
  });
});
