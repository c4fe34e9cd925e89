import { MQTTConnector } from '@cstbox/mqtt-core';
import { dbusDaemonMissing, freePort, startBroker, startBus, waitFor } from '@cstbox/test-peers';
import { describe, expect, it } from 'vitest';
import { CLI, COMMON, Daemon, workplace } from '../test/daemon.js';
import { createLog } from './log.js';

/** What a daemon prints that finds no broker, run by this command line, which it ends. */
async function printedBy(program: string, argsFor: (configuration: string) => string[]): Promise<string[]> {
  await using place = await workplace();
  await using bus = await startBus();
  const broker = { host: '127.0.0.1', port: await freePort() };
  const configuration = await place.file('c.json', { broker, ...COMMON });
  await using daemon = Daemon.spawn(program, argsFor(configuration), { DBUS_SESSION_BUS_ADDRESS: bus.address });
  await daemon.says('ECONNREFUSED');
  return daemon.printed.trimEnd().split(/\r?\n/);
}

describe.skipIf(dbusDaemonMissing())('the log of mqttgwd', () => {
  it('is JSON, a line each, where no terminal is', async () => {
    const lines = await printedBy(process.execPath, (path) => [CLI, '-c', path]);
    const records = lines.map((line) => JSON.parse(line));
    expect(records).toContainEqual({
      time: expect.stringMatching(/^\d{4}-\d\d-\d\dT/),
      level: 'warn',
      component: 'MQTTConnector',
      msg: expect.stringContaining('ECONNREFUSED'),
    });
  });

  it('is for people on a terminal, and JSON even there where that is asked for', async () => {
    const inTerminal = (command: string) => ['-qefc', command, '/dev/null'];
    const program = `${process.execPath} ${CLI}`;
    const human = await printedBy('script', (path) => inTerminal(`${program} -c ${path}`));
    for (const line of human) expect(line).toMatch(/^\d\d\/\d\d \d\d:\d\d:\d\d \[[IW]\] \w+ > /);
    const json = await printedBy('script', (path) => inTerminal(`${program} -c ${path} --log-format json`));
    for (const line of json) expect(JSON.parse(line)).toMatchObject({ component: expect.any(String) });
  });
});

describe('the log of a connection that comes and goes', () => {
  it('has its first losses, and at the end the number of the others', async () => {
    await using broker = await startBroker();
    let lines: string[] = [];
    using log = createLog({ level: 'INFO', format: 'human', write: (line) => void lines.push(line) });
    const reconnect = { minMs: 5, maxMs: 10 };
    const logger = log.logger('MQTTConnector');
    await using connector = new MQTTConnector({ broker: broker.url, protocolVersion: '3.1.1', reconnect, logger });
    await connector.run();
    let losses = 0;
    for (; losses < 12; losses++) {
      connector.restart('no acknowledgement within 20 s');
      await waitFor('the loss', () => !connector.connected);
      await waitFor('the connection', () => connector.connected, 15_000);
    }
    const lost = (text: string) => lines.filter((line) => line.includes('lost the connection') && line.includes(text));
    expect(lost('')).toHaveLength(3);
    lines = [];
    log[Symbol.dispose]();
    expect(lost('like this from')).toHaveLength(1);
  });
});
