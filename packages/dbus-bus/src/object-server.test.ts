import { execFile, spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { dbusDaemonMissing, waitFor } from '@cstbox/test-peers';
import { describe, expect, it } from 'vitest';
import { type House, openHouse } from '../test/house.js';
import { startSocketProxy } from '../test/socket-proxy.js';
import type { DBusConnection } from './dbus-connection.js';
import { CallRefused, type DBusCaller, type DBusInterface, type DBusMethod } from './dbus-interface.js';
import { DBusLink } from './dbus-link.js';
import { ObjectServer } from './object-server.js';

const run = promisify(execFile);
const works = (program: string, ...args: string[]) => spawnSync(program, args, { stdio: 'ignore' }).status === 0;
const PYTHON = '/usr/bin/python3';
const NAME = 'fr.cstb.cstbox.Test';
const PROPERTIES = 'org.freedesktop.DBus.Properties';

/** A method of one string to one string. */
function method(handle: (text: string, caller: DBusCaller) => string | Promise<string>): DBusMethod {
  return {
    in: [{ name: 'text', type: 's' }],
    out: [{ name: 'text', type: 's' }],
    replySignature: 's',
    handle: ([text], caller) => {
      const result = handle(text as string, caller);
      return typeof result === 'string' ? [result] : result.then((each) => [each]);
    },
  };
}

/** Answers to calls that were not answered yet, in the order of the calls. */
class Pending {
  readonly #settle: (() => void)[] = [];
  get size(): number {
    return this.#settle.length;
  }
  wait(): Promise<void> {
    return new Promise((resolve) => this.#settle.push(resolve));
  }
  next(): void {
    this.#settle.shift()?.();
  }
}

async function serve(house: House, methods: DBusInterface['methods'], link?: DBusLink) {
  const used = link ?? (await house.link());
  const server = new ObjectServer(used);
  server.export('/test', {
    name: NAME,
    methods,
    signals: {},
    properties: {
      Text: { type: 's', read: () => 'küche' },
      Count: { type: 'u', read: () => 0xffff_ffff, isConstant: true },
      Seconds: { type: 'd', read: () => 1.5 },
      IsOn: { type: 'b', read: () => false },
      Words: { type: 'as', read: () => ['a', 'b'] },
    },
  });
  await used.connection?.requestName(NAME);
  return server;
}

function call(connection: DBusConnection, member: string, signature = '', body: unknown[] = [], name = NAME) {
  return connection.call({ destination: NAME, path: '/test', interface: name, member, signature, body });
}

describe.skipIf(dbusDaemonMissing())('a served object', () => {
  it('answers a call when its promise settles, and others meanwhile', async () => {
    await using house = await openHouse();
    const pending = new Pending();
    await serve(house, {
      slow: method(async (text) => {
        await pending.wait();
        if (text === 'no') throw new CallRefused(`${NAME}.Error.No`, 'no\0, not that');
        return `slow ${text}`;
      }),
      fast: method((text) => `fast ${text}`),
    });
    const slow = call(house.connection, 'slow', 's', ['a']);
    const refused = call(house.connection, 'slow', 's', ['no']);
    expect(await call(house.connection, 'fast', 's', ['b'])).toEqual(['fast b']);
    expect(pending.size).toBe(2);
    pending.next();
    pending.next();
    expect(await slow).toEqual(['slow a']);
    await expect(refused).rejects.toMatchObject({ errorName: `${NAME}.Error.No`, message: /no\\0, not that/ });
  });

  it('says when its answer can not be sent, and goes on', async () => {
    await using house = await openHouse();
    await serve(house, { wrong: method(async () => 7 as unknown as string), right: method((text) => text) });
    await expect(call(house.connection, 'wrong', 's', ['a'])).rejects.toMatchObject({ code: 'bus_refused' });
    expect(await call(house.connection, 'right', 's', ['a'])).toEqual(['a']);
  });

  it('lets a caller have sixteen calls under way, whoever else calls', async () => {
    await using house = await openHouse();
    const pending = new Pending();
    const server = await serve(house, { slow: method((text) => pending.wait().then(() => text)) });
    const calls = Array.from({ length: 16 }, () => call(house.connection, 'slow', 's', ['a']));
    await expect(call(house.connection, 'slow', 's', ['a'])).rejects.toThrow('LimitsExceeded');
    const other = call(await house.connect(), 'slow', 's', ['b']);
    await waitFor('all of them', () => pending.size === 17);
    while (pending.size > 0) pending.next();
    await Promise.all(calls);
    expect(await other).toEqual(['b']);
    const last = call(house.connection, 'slow', 's', ['a']);
    await waitFor('the last', () => pending.size === 1);
    server.close();
    await expect(last).rejects.toThrow('the service has stopped');
  });

  it('does not answer a stranger who has the caller’s name on a bus that came later', async () => {
    await using house = await openHouse();
    await using proxy = await startSocketProxy(house.bus.address.replace(/^unix:path=([^,]*).*$/, '$1'));
    await using link = new DBusLink({ address: proxy.address, retryMs: { min: 5, max: 20 } });
    await link.run();
    const pending = new Pending();
    await serve(house, { slow: method((text) => pending.wait().then(() => text)) }, link);
    const answer = call(house.connection, 'slow', 's', ['a']);
    await waitFor('the call', () => pending.size === 1);
    const before = link.connection;
    proxy.cut();
    await expect(answer).rejects.toMatchObject({ code: 'bus_unreachable' });
    await waitFor('the link', () => link.connection !== undefined && link.connection !== before);
    const sent: unknown[] = [];
    Object.assign(link.connection as DBusConnection, { send: (message: unknown) => sent.push(message) });
    pending.next();
    await link.connection?.getNameOwner(NAME);
    expect(sent).toEqual([]);
  });

  it('knows who calls, and hears when it goes', async () => {
    await using house = await openHouse();
    const gone: string[] = [];
    await serve(house, {
      stay: method((text, caller) => {
        const stop = caller.onGone(() => gone.push(`${caller.name} ${text}`));
        if (text === 'stopped') stop();
        return caller.name;
      }),
    });
    const caller = await house.connect();
    expect(await call(caller, 'stay', 's', ['heard'])).toEqual([caller.uniqueName]);
    await call(caller, 'stay', 's', ['stopped']);
    await caller.close();
    await waitFor('the news', () => gone.length > 0);
    expect(gone).toEqual([`${caller.uniqueName} heard`]);
  });

  it('has properties that can be read, and not set', async () => {
    await using house = await openHouse();
    await serve(house, {});
    const get = (property: string, name = NAME) =>
      call(house.connection, 'Get', 'ss', [name, property], PROPERTIES).then(([value]) => value);
    expect(await get('Text')).toMatchObject({ signature: 's', value: 'küche' });
    expect(await get('Count', '')).toMatchObject({ signature: 'u', value: 0xffff_ffff });
    const [all] = await call(house.connection, 'GetAll', 's', [NAME], PROPERTIES);
    expect(all).toMatchObject({
      Seconds: { signature: 'd', value: 1.5 },
      IsOn: { signature: 'b', value: false },
      Words: { signature: 'as', value: ['a', 'b'] },
    });
    await expect(get('constructor')).rejects.toThrow('UnknownProperty');
    await expect(get('Text', 'fr.cstb.cstbox.Other')).rejects.toThrow('UnknownInterface');
  });

  it.runIf(works('gdbus', 'help'))('shows them to gdbus, which can not set them', async () => {
    await using house = await openHouse();
    await serve(house, { echo: method((text) => text) });
    const gdbus = async (command: string, ...args: string[]) => {
      const all = [command, '--session', '-d', NAME, '-o', '/test', ...args];
      const environment = { ...process.env, DBUS_SESSION_BUS_ADDRESS: house.bus.address };
      return (await run('gdbus', all, { env: environment })).stdout;
    };
    const shown = await gdbus('introspect');
    expect(shown).toMatch(/readonly s Text = 'küche';/);
    expect(shown).toMatch(/readonly u Count = 4294967295;/);
    expect(shown).toMatch(/readonly as Words = \['a', 'b'\];/);
    expect(shown).toContain('interface org.freedesktop.DBus.Properties');
    expect(shown).toMatch(/EmitsChangedSignal\("const"\)/);
    expect(await gdbus('call', '-m', `${PROPERTIES}.Get`, NAME, 'IsOn')).toBe('(<false>,)\n');
    await expect(gdbus('call', '-m', `${PROPERTIES}.Set`, NAME, 'IsOn', '<true>')).rejects.toThrow(
      'org.freedesktop.DBus.Error.PropertyReadOnly',
    );
  });

  it.runIf(works('busctl', '--version'))('shows them to busctl', async () => {
    await using house = await openHouse();
    await serve(house, {});
    const { stdout } = await run('busctl', [`--address=${house.bus.address}`, 'introspect', NAME, '/test']);
    expect(stdout).toMatch(/\.Count +property +u +4294967295 +const/);
  });

  it.runIf(works(PYTHON, '-c', 'import dbus'))('shows them to Python’s D-Bus', async () => {
    await using house = await openHouse();
    await serve(house, { echo: method(async (text) => text) });
    const client = fileURLToPath(new URL('../test/properties-client.py', import.meta.url));
    const { stdout } = await run(PYTHON, [client, NAME, '/test'], {
      env: { ...process.env, DBUS_SESSION_BUS_ADDRESS: house.bus.address },
    });
    expect(JSON.parse(stdout)).toEqual({
      all: { Text: 'küche', Count: 4294967295, Seconds: 1.5, IsOn: 0, Words: ['a', 'b'] },
      set: 'org.freedesktop.DBus.Error.PropertyReadOnly',
      echo: 'hall',
    });
  });
});
