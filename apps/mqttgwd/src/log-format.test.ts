import { dbusDaemonMissing, freePort, startBus } from '@cstbox/test-peers';
import { describe, expect, it } from 'vitest';
import { CLI, COMMON, Daemon, workplace } from '../test/daemon.js';

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
