import { execFile, spawnSync } from 'node:child_process';
import { promisify } from 'node:util';
import { ConfigurationError, MemoryEventBus, makeBasicEvent, OutboundFilter } from '@cstbox/mqtt-core';
import { dbusDaemonMissing } from '@cstbox/test-peers';
import { describe, expect, it } from 'vitest';
import { type House, openHouse } from '../test/house.js';
import { GATEWAY } from './gateway-interface.js';
import type { GatewayProgram } from './gateway-program.js';
import { MQTTGatewayServiceObject } from './gateway-service.js';
import { ServiceContainer } from './service-container.js';
import type { StatusReport } from './status-report.js';
import type { TailAnswer } from './tails.js';

const run = promisify(execFile);
const hasGdbus = spawnSync('gdbus', ['help'], { stdio: 'ignore' }).status === 0;

class Out extends OutboundFilter {
  override getMqttTopic(_timestamp: unknown, varType: string, varName: string) {
    return varName === 'attic' ? null : `out/${varType}/${varName}`;
  }
}

/** A gateway on the house's bus, for a bus of its own and a broker that is away. */
async function serve(house: House, program: GatewayProgram = {}) {
  const bus = new MemoryEventBus();
  const link = await house.link();
  const options = { bus, link, program };
  const service = new MQTTGatewayServiceObject({ broker: { host: '127.0.0.1', port: 1 } }, null, new Out(), options);
  const container = new ServiceContainer('MQTTGateway', link, [service]);
  await container.start();
  return { bus, container, [Symbol.asyncDispose]: () => container.stop() };
}

function ask(house: House, member: string, ...body: string[]): Promise<string> {
  const signature = 's'.repeat(body.length);
  const call = { destination: GATEWAY, path: '/service', interface: GATEWAY, member, signature, body };
  return house.connection.call(call).then(([text]) => text as string);
}

describe.skipIf(dbusDaemonMissing())('a gateway that is asked over D-Bus', () => {
  it('says how it is, in counts that add up, and without secrets', async () => {
    await using house = await openHouse();
    const faults = [{ time: 1, level: 'error', component: 'MQTTConnector', msg: 'wrong password hunter2' }];
    await using gateway = await serve(house, {
      version: '1.2.3',
      configurationPath: '/etc/gateway.json',
      faults,
      redact: (text) => text.replaceAll('hunter2', '***'),
    });
    for (const name of ['hall', 'kitchen', 'attic']) await gateway.bus.emit('sensor', makeBasicEvent('motion', name));
    const before = Date.now();
    const status = JSON.parse(await ask(house, 'getStatus')) as StatusReport;
    expect(status).toMatchObject({
      version: '1.2.3',
      configuration: '/etc/gateway.json',
      simulate: false,
      links: {
        bus: { state: 'attached', address: house.bus.address },
        eventManager: { state: 'attached' },
        broker: { state: 'connecting', broker: 'mqtt://127.0.0.1:1' },
      },
      outbox: { waiting: 2, held: 0, durability: 'memory' },
      commands: { waiting: 0 },
      counts: {
        out: {
          received: 3,
          forwarded: 0,
          filtered: 1,
          dropped: {},
          waiting: 2,
          filters: [{ name: 'Out', received: 3 }],
        },
        in: { received: 0, filters: [], rules: [] },
        replies: { sent: 0, lost: 0 },
      },
      rates: { out: { received: { last10s: 3 }, forwarded: { last10s: 0 } } },
      faults: [{ ...faults[0], msg: 'wrong password ***' }],
    });
    expect(status.outbox.oldest).toBeGreaterThan(before - 10_000);
    expect(status.since).toBeLessThanOrEqual(status.time);
  });

  it('shows what crosses to who looks on', async () => {
    await using house = await openHouse();
    await using gateway = await serve(house, { redact: (text) => text.replaceAll('hunter2', '***') });
    const viewer = await ask(house, 'openTail', '{"direction":"out","outcomes":["accepted"]}');
    for (const name of ['attic', 'hunter2']) await gateway.bus.emit('sensor', makeBasicEvent('motion', name));
    const { entries } = JSON.parse(await ask(house, 'readTail', viewer)) as TailAnswer;
    expect(entries).toMatchObject([{ outcome: 'accepted', filter: 'Out', message: { topic: 'out/motion/***' } }]);
    await expect(ask(house, 'openTail', '{"direction":"up"}')).rejects.toThrow(/InvalidArgs.*direction/s);
    await expect(ask(house, 'openTail', '[')).rejects.toThrow('InvalidArgs');
    const pending = ask(house, 'readTail', viewer);
    await gateway.container.stop();
    expect(JSON.parse(await pending)).toEqual({ entries: [], missed: 0 });
  });

  it('reloads when its program can, and hands on every problem', async () => {
    await using house = await openHouse();
    let isWrong = false;
    const report = { changed: ['broker'], restartNeeded: [], warnings: [] };
    await using _gateway = await serve(house, {
      async reload() {
        if (!isWrong) return report;
        throw new ConfigurationError([
          { path: ['qos'], message: 'expected 0, 1 or 2' },
          { path: ['broker', 'host'], message: 'missing: a host' },
        ]);
      },
    });
    expect(JSON.parse(await ask(house, 'reload'))).toEqual(report);
    isWrong = true;
    await expect(ask(house, 'reload')).rejects.toMatchObject({
      errorName: `${GATEWAY}.Error.Configuration`,
      message: expect.stringMatching(/expected 0, 1 or 2.*\n.*missing: a host/),
    });
    await using second = await openHouse();
    await using _other = await serve(second);
    await expect(ask(second, 'reload')).rejects.toThrow('NotSupported');
  });

  it.runIf(hasGdbus)('shows itself to gdbus', async () => {
    await using house = await openHouse();
    await using gateway = await serve(house, { version: '1.2.3', configurationPath: '/etc/gateway.json' });
    await gateway.bus.emit('sensor', makeBasicEvent('motion', 'hall'));
    const args = ['introspect', '--session', '-d', GATEWAY, '-o', '/service'];
    const environment = { ...process.env, DBUS_SESSION_BUS_ADDRESS: house.bus.address };
    const { stdout } = await run('gdbus', args, { env: environment });
    for (const shown of [
      "readonly s Version = '1.2.3';",
      "readonly s Configuration = '/etc/gateway.json';",
      'readonly b Simulate = false;',
      "readonly s BusState = 'attached';",
      "readonly s BrokerState = 'connecting';",
      "readonly s Broker = 'mqtt://127.0.0.1:1';",
      'readonly u OutboxWaiting = 1;',
    ]) {
      expect(stdout).toContain(shown);
    }
    expect(stdout).toMatch(/readonly d OutboxOldestSeconds = \d/);
    expect(stdout.replaceAll(/\s+/g, ' ')).toContain('openTail(in s options, out s id);');
  });
});
