import { execFile, spawn, spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { dbusDaemonMissing, stopProcess, waitFor } from '@cstbox/test-peers';
import { describe, expect, it } from 'vitest';
import { openHouse } from '../test/house.js';
import { EVENT_MANAGER } from './names.js';

const run = promisify(execFile);
const works = (program: string, ...args: string[]) => spawnSync(program, args, { stdio: 'ignore' }).status === 0;
const PYTHON = '/usr/bin/python3';
const tools = {
  gdbus: works('gdbus', 'help'),
  dbusSend: works('dbus-send', '--version') || works('which', 'dbus-send'),
  dbusMonitor: works('which', 'dbus-monitor'),
  python: works(PYTHON, '-c', 'import dbus, dbus.mainloop.glib; from gi.repository import GLib'),
};

/** What a tool prints when it talks to the bus at an address. */
async function output(address: string, program: string, ...args: string[]): Promise<string> {
  const { stdout } = await run(program, args, { env: { ...process.env, DBUS_SESSION_BUS_ADDRESS: address } });
  return stdout;
}

describe.skipIf(dbusDaemonMissing())('the event manager, to foreign tools', () => {
  it.runIf(tools.gdbus)('looks as the original does when gdbus introspects it', async () => {
    await using house = await openHouse();
    const xml = await output(
      house.bus.address,
      'gdbus',
      'introspect',
      '--session',
      '--xml',
      '-d',
      EVENT_MANAGER,
      '-o',
      '/control',
    );
    expect(xml.replace(/\s+/g, ' ')).toContain(
      '<interface name="fr.cstb.cstbox.EventManager"> <method name="emitEvent"> <arg direction="in" type="s" name="var_type"/> ' +
        '<arg direction="in" type="s" name="var_name"/> <arg direction="in" type="s" name="data"/> </method> ' +
        '<method name="emitFullEvent"> <arg direction="in" type="t" name="timestamp"/> <arg direction="in" type="s" name="var_type"/> ' +
        '<arg direction="in" type="s" name="var_name"/> <arg direction="in" type="s" name="data"/> </method> ' +
        '<signal name="onCSTBoxEvent"> <arg type="t" name="timestamp"/> <arg type="s" name="var_type"/> ' +
        '<arg type="s" name="var_name"/> <arg type="s" name="data"/> </signal> </interface>',
    );
    const root = await output(
      house.bus.address,
      'gdbus',
      'introspect',
      '--session',
      '--xml',
      '-d',
      EVENT_MANAGER,
      '-o',
      '/',
    );
    expect([...root.matchAll(/<node name="(\w+)"/g)].map((match) => match[1]).sort()).toEqual([
      '__system__',
      'control',
      'framework',
      'sensor',
      'sysmon',
    ]);
  });

  it.runIf(tools.gdbus)('answers calls of gdbus with a boolean', async () => {
    await using house = await openHouse();
    const call = ['call', '--session', '-d', EVENT_MANAGER, '-o', '/sensor', '-m'];
    expect(
      await output(house.bus.address, 'gdbus', ...call, `${EVENT_MANAGER}.emitEvent`, 'motion', 'hall', '{}'),
    ).toBe('(true,)\n');
    expect(
      await output(
        house.bus.address,
        'gdbus',
        ...call,
        `${EVENT_MANAGER}.emitFullEvent`,
        '18446744073709551615',
        'motion',
        'hall',
        '{}',
      ),
    ).toBe('(true,)\n');
    expect(await output(house.bus.address, 'gdbus', ...call, 'org.freedesktop.DBus.Peer.Ping')).toBe('()\n');
  });

  it.runIf(tools.dbusSend && tools.dbusMonitor)('is heard by dbus-monitor when dbus-send emits', async () => {
    await using house = await openHouse();
    const monitor = spawn('dbus-monitor', [
      '--address',
      house.bus.address,
      `type='signal',interface='${EVENT_MANAGER}'`,
    ]);
    try {
      let printed = '';
      monitor.stdout.on('data', (chunk) => {
        printed += chunk;
      });
      await waitFor('the monitor', () => printed.includes('NameAcquired') || printed.includes('NameLost'));
      const before = Date.now();
      const send = [
        '--session',
        '--print-reply=literal',
        `--dest=${EVENT_MANAGER}`,
        '/sensor',
        `${EVENT_MANAGER}.emitEvent`,
      ];
      const reply = await output(
        house.bus.address,
        'dbus-send',
        ...send,
        'string:temperature',
        'string:kitchen',
        'string:{"value": 21.5}',
      );
      expect(reply.trim()).toBe('boolean true');
      await waitFor('the signal', () => printed.includes('{"value": 21.5}'));
      expect(printed).toMatch(/path=\/sensor; interface=fr\.cstb\.cstbox\.EventManager; member=onCSTBoxEvent/);
      expect(printed).toMatch(/uint64 \d+\s+string "temperature"\s+string "kitchen"\s+string "\{"value": 21\.5\}"/);
      const timestamp = Number(/uint64 (\d+)/.exec(printed)?.[1]);
      expect(timestamp).toBeGreaterThanOrEqual(before);
      expect(timestamp).toBeLessThanOrEqual(Date.now());
    } finally {
      await stopProcess(monitor);
    }
  });

  it.runIf(tools.dbusSend)('refuses calls that are none of its own, with the usual error names', async () => {
    await using house = await openHouse();
    const send = (path: string, member: string, ...args: string[]) =>
      output(
        house.bus.address,
        'dbus-send',
        '--session',
        '--print-reply',
        `--dest=${EVENT_MANAGER}`,
        path,
        member,
        ...args,
      );
    await expect(send('/attic', `${EVENT_MANAGER}.emitEvent`)).rejects.toThrow(
      'org.freedesktop.DBus.Error.UnknownObject',
    );
    await expect(send('/sensor', `${EVENT_MANAGER}.toString`)).rejects.toThrow(
      'org.freedesktop.DBus.Error.UnknownMethod',
    );
    await expect(send('/sensor', `${EVENT_MANAGER}.emitEvent`, 'int32:1')).rejects.toThrow(
      'org.freedesktop.DBus.Error.InvalidArgs',
    );
  });

  it.runIf(tools.python)('serves a client in Python, and stops when it calls terminate()', async () => {
    await using house = await openHouse();
    const client = fileURLToPath(new URL('../test/cstbox-client.py', import.meta.url));
    const printed = JSON.parse(await output(house.bus.address, PYTHON, client, '--terminate')) as {
      replies: [string, boolean][];
      heard: [string, string, string, object][];
    };
    expect(printed.replies).toEqual([
      ['Boolean', true],
      ['Boolean', true],
    ]);
    expect(printed.heard).toEqual([
      [expect.stringMatching(/^\d{13}$/), 'temperature', 'küche', { value: 21.5, unit: 'degC' }],
      ['18446744073709551615', 'motion', 'hall', {}],
    ]);
    await expect(house.eventManager.closed).resolves.toBeUndefined();
    expect(await house.connection.getNameOwner(EVENT_MANAGER)).toBeUndefined();
  });
});
