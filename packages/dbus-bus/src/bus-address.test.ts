import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { ConfigurationError } from '@cstbox/mqtt-core';
import { afterAll, describe, expect, it } from 'vitest';
import { addressFile, addressIn, busAddress, CSTBOX_ADDRESS_FILE, fixedAddress } from './bus-address.js';

const directory = mkdtempSync(join(tmpdir(), 'mqttgwd-test-'));
afterAll(() => rmSync(directory, { recursive: true }));

const ADDRESS = 'unix:abstract=/tmp/dbus-Xy1,guid=0123456789abcdef';

describe('the address in a file', () => {
  it.each([
    ['alone', `${ADDRESS}\n`],
    ['alone, without an end of line', ADDRESS],
    ['alone under a comment', `# our bus\n\n  ${ADDRESS}  \r\n`],
    [
      'as dbus-launch writes it',
      `DBUS_SESSION_BUS_ADDRESS='${ADDRESS}';\nexport DBUS_SESSION_BUS_ADDRESS;\nDBUS_SESSION_BUS_PID=12;\n`,
    ],
    ['exported', `export DBUS_SESSION_BUS_ADDRESS="${ADDRESS}"\n`],
    ['unquoted', `DBUS_SESSION_BUS_ADDRESS=${ADDRESS}\nDBUS_SESSION_BUS_PID=12\n`],
    [
      'behind others on its line',
      `DBUS_SESSION_BUS_PID=12; DBUS_SESSION_BUS_ADDRESS='${ADDRESS}'; export DBUS_SESSION_BUS_ADDRESS\n`,
    ],
    ['of the last assignment', `DBUS_SESSION_BUS_ADDRESS=unix:path=/old\nDBUS_SESSION_BUS_ADDRESS='${ADDRESS}'\n`],
    [
      'beside one that is commented out',
      `#DBUS_SESSION_BUS_ADDRESS=unix:path=/old\nDBUS_SESSION_BUS_ADDRESS='${ADDRESS}'\n# DBUS_SESSION_BUS_ADDRESS=unix:path=/b\n`,
    ],
  ])('is found %s', async (_how, content) => {
    expect(addressIn(content)).toBe(ADDRESS);
  });

  it.each([
    ['', 'nothing'],
    ['DBUS_SESSION_BUS_PID=12\n', 'another variable'],
    ['MY_DBUS_SESSION_BUS_ADDRESS=unix:path=/a\n', 'a variable whose name ends so'],
    ['DBUS_SESSION_BUS_ADDRESS=$(touch /tmp/x)\n', 'a command'],
    ['DBUS_SESSION_BUS_ADDRESS="$OTHER"\n', 'another variable to work out'],
    ['DBUS_SESSION_BUS_ADDRESS=`id`', 'a command in the old style'],
    ["DBUS_SESSION_BUS_ADDRESS='unix:path=/a", 'a text that does not end'],
    ['unix:path=/a\nunix:path=/b\n', 'two addresses'],
  ])('is not found in %j: %s', (content) => {
    expect(addressIn(content)).toBeUndefined();
  });

  it('is read at each attempt, and is what the file says then', async () => {
    const path = join(directory, 'moving');
    const address = addressFile(path);
    await expect(address.read()).rejects.toMatchObject({
      code: 'bus_unreachable',
      message: expect.stringMatching(/can't read .*moving: ENOENT/),
    });
    writeFileSync(path, 'unix:path=/a');
    expect(await address.read()).toBe('unix:path=/a');
    writeFileSync(path, "DBUS_SESSION_BUS_ADDRESS='unix:path=/b'");
    expect(await address.read()).toBe('unix:path=/b');
    writeFileSync(path, 'nothing of the kind\nat all');
    await expect(address.read()).rejects.toMatchObject({ message: expect.stringContaining(`${path} names no bus`) });
  });

  it('is not waited for where nothing can be read', async () => {
    const pipe = join(directory, 'pipe');
    await promisify(execFile)('mkfifo', [pipe]);
    for (const path of [pipe, directory, '/dev/null', '/dev/zero']) {
      await expect(addressFile(path).read()).rejects.toMatchObject({ code: 'bus_unreachable' });
    }
  });
});

describe('where to look for the bus', () => {
  const environment = { DBUS_SESSION_BUS_ADDRESS: 'unix:path=/env' };
  it.each([
    [{ address: 'unix:path=/a' }, environment, 'dbus.address'],
    [{ address_file: '/f' }, environment, '/f'],
    [undefined, environment, 'DBUS_SESSION_BUS_ADDRESS'],
    [{}, environment, 'DBUS_SESSION_BUS_ADDRESS'],
    [{}, {}, CSTBOX_ADDRESS_FILE],
    [undefined, { DBUS_SESSION_BUS_ADDRESS: '' }, CSTBOX_ADDRESS_FILE],
  ])('%j, %j: %s', (section, env, origin) => {
    expect(busAddress(section, env).origin).toBe(origin);
  });

  it('is refused at once where it can never work', () => {
    expect(() => fixedAddress('nonsense', 'somebody')).toThrow(ConfigurationError);
    expect(() => busAddress({}, { DBUS_SESSION_BUS_ADDRESS: 'nonsense' })).toThrow(
      /transport 'nonsense' is not supported.*comes from DBUS_SESSION_BUS_ADDRESS/,
    );
  });
});
