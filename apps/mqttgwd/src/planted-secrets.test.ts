import { execFile } from 'node:child_process';
import { chmod } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { DBusEventBus } from '@cstbox/dbus-bus';
import { makeBasicEvent } from '@cstbox/mqtt-core';
import { dbusDaemonMissing, startBroker, startBus, stopProcess } from '@cstbox/test-peers';
import { describe, expect, it } from 'vitest';
import { COMMON, Daemon, joinBus, run, workplace } from '../test/daemon.js';

/** A filter that shows whatever it was told, in every way that it has. */
const TALKATIVE = `
export const createOutboundFilter = (options, { logger }) => {
  logger.warn('told: ' + JSON.stringify(options));
  if (options.refuses) throw new Error('refused: ' + Object.values(options), { cause: new Error(options.token) });
  return {
    channels: ['sensor'],
    getMqttTopic: () => { throw new Error('at work: ' + Object.values(options)); },
    makePayload: () => '',
  };
};`;

const SECRETS = { TOKEN: 'pl4nted-token', KEPT: 'pl4nted-environment' };

/** A place with a credential, a password and the talkative filter. */
async function plantedPlace() {
  const place = await workplace();
  await place.file('talkative.mjs', TALKATIVE);
  await place.file('credentials/key', 'pl4nted-"credential"\n');
  await chmod(await place.file('password', 'pl4nted-file\n'), 0o600);
  return { ...place, environment: { ...SECRETS, CREDENTIALS_DIRECTORY: join(place.directory, 'credentials') } };
}

const OPTIONS = { use: './talkative.mjs', token: '${env:TOKEN}', key: '${credential:key}' };

describe.skipIf(dbusDaemonMissing())('a secret that was planted in a configuration', () => {
  it.each([
    ['password', 'pl4nted-plain'],
    ['password', '${env:KEPT}'],
    ['password_file', 'password'],
  ])('by %s: %s is neither in the log at --debug nor in the process list', async (key, value) => {
    await using place = await plantedPlace();
    await using bus = await startBus();
    const environment = { ...place.environment, DBUS_SESSION_BUS_ADDRESS: bus.address };
    await using manager = Daemon.start(['event-manager'], environment);
    await manager.says('running');
    await using broker = await startBroker({ user: { name: 'box', password: 'another' } });
    const configuration = await place.file('c.json', {
      broker: { host: broker.url },
      auth: { username: 'box', [key]: value },
      outbox: COMMON.outbox,
      filters: { outbound: OPTIONS },
    });
    await using gateway = Daemon.start(['-c', configuration, '--debug'], environment);
    await gateway.says('trying again now and then');
    await gateway.says('running');
    await using link = await joinBus(bus);
    await new DBusEventBus(link).emit('sensor', makeBasicEvent('motion', 'hall'));
    await gateway.says('at work: ***,***');
    const { stdout: processes } = await promisify(execFile)('ps', ['axww', '-o', 'args']);
    await stopProcess(gateway.child);
    expect(gateway.printed).toMatch(/refused.*\n/i);
    expect(gateway.printed).toContain('told: {"token":"***","key":"***"}');
    expect(gateway.printed + processes).not.toContain('pl4nted');
  });
});

describe('a secret that a filter throws when it is made', () => {
  it('is not in the error, nor in what --debug adds', async () => {
    await using place = await plantedPlace();
    const configuration = await place.file('c.json', {
      broker: { host: 'h' },
      filters: { outbound: { ...OPTIONS, refuses: true } },
    });
    const { code, printed } = await run(['-c', configuration, '--debug'], place.environment);
    expect(code).toBe(78);
    expect(printed).toContain("'./talkative.mjs' refuses its section: refused: ***,***");
    expect(printed).not.toContain('pl4nted');
  });
});
