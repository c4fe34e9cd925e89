import { spawn } from 'node:child_process';
import { chmod, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { silentLogger } from '@cstbox/mqtt-core';
import { describe, expect, it } from 'vitest';
import { Daemon, run, workplace } from '../test/daemon.js';
import { inspectConfiguration } from './inspect-configuration.js';

const CLI = fileURLToPath(new URL('../dist/cli.js', import.meta.url));

/** `mqttgwd init` in a terminal of its own (`script` of util-linux), and somebody who answers. */
function onTerminal(cwd: string, ...args: string[]) {
  const command = [process.execPath, CLI, 'init', ...args].map((each) => `'${each}'`).join(' ');
  const child = spawn('script', ['-qec', command, '/dev/null'], { cwd, stdio: ['pipe', 'pipe', 'pipe'] });
  const terminal = new Daemon(child);
  return {
    terminal,
    async answer(question: string, keys: string) {
      await terminal.says(question);
      terminal.printed = '';
      child.stdin.write(keys);
    },
    [Symbol.asyncDispose]: () => terminal[Symbol.asyncDispose](),
  };
}

const inspect = (path: string, environment = {}) =>
  inspectConfiguration(path, { logger: () => silentLogger, environment });

describe('mqttgwd init', () => {
  it('asks on a terminal for what it needs, and writes what can be run', async () => {
    await using place = await workplace();
    await using dialogue = onTerminal(place.directory);
    await dialogue.answer('The broker, a host or a URL [localhost]: ', 'http://x\r');
    await dialogue.answer('with mqtt, mqtts, ws or wss in front', 'broker.example.org\r');
    await dialogue.answer('User name at the broker; empty: none: ', 'a "user": #1\r');
    await dialogue.answer('File that holds the password [mqtt_password]: ', '\r');
    await dialogue.answer("This gateway's name at the broker", 'box-17\r');
    await dialogue.answer('The first level of all topics [site]: ', 'house+1\r');
    await dialogue.answer("a site is of letters, digits, '_' and '-'", 'house-1/ground\r');
    await dialogue.terminal.says('mqttgwd check mqtt_gateway.yaml');
    expect(await dialogue.terminal.exited).toBe(0);
    await chmod(await place.file('mqtt_password', 'secret\n'), 0o600);
    const { findings, loaded } = await inspect(join(place.directory, 'mqtt_gateway.yaml'));
    expect(findings).toEqual([]);
    await using gateway = loaded;
    expect(gateway?.configuration).toMatchObject({
      broker: { host: 'mqtt://broker.example.org', client_id: 'box-17' },
      auth: { username: 'a "user": #1', password: 'secret' },
    });
    expect(gateway?.outbound[0]?.getMqttTopic(0, 'temperature', 'hall', { value: 1 }, 'sensor')).toBe(
      'house-1/ground/hall/temperature',
    );
  });

  it.each([
    ['Ctrl-C', '\x03'],
    ['the end of the input', '\x04'],
  ])('ends without a file at %s', async (_what, keys) => {
    await using place = await workplace();
    await using dialogue = onTerminal(place.directory);
    await dialogue.answer('The broker', 'localhost\r');
    await dialogue.answer('User name', keys);
    await dialogue.terminal.says('broken off, nothing is written');
    expect(await dialogue.terminal.exited).toBe(130);
    expect(await readdir(place.directory)).toEqual([]);
  });

  it('asks nothing when options say what it needs, and names files as the configuration has to', async () => {
    await using place = await workplace();
    await place.file('etc/keep', '');
    const { code, printed } = await run(
      [
        'init',
        '--broker',
        'broker.example.org',
        '--ca',
        'ca.pem',
        '--outbox',
        '/var/spool/box',
        '-o',
        'etc/gateway.yaml',
      ],
      {},
      place.directory,
    );
    expect({ code, printed }).toMatchObject({
      code: 0,
      printed: expect.stringContaining('etc/gateway.yaml is written'),
    });
    const text = await readFile(join(place.directory, 'etc/gateway.yaml'), 'utf8');
    expect(text).toMatch(/^# yaml-language-server: \$schema=\/.*configuration\.schema\.json\n/);
    expect(text).toContain('host: "mqtts://broker.example.org"\n');
    expect(text).toContain('ca_certs: "../ca.pem"\n');
    expect(text).toContain('directory: "/var/spool/box"\n');
  });

  it('prints to standard output what check is content with, and writes over nothing', async () => {
    await using place = await workplace();
    const printed = await run(['init', '--broker', 'mqtt://h', '-o', '-']);
    const path = await place.file('mqtt_gateway.yaml', printed.printed);
    expect((await run(['check', '--strict', path])).code).toBe(0);
    const again = await run(['init', '--broker', 'other'], {}, place.directory);
    expect(again).toEqual({
      code: 73,
      printed: 'mqttgwd: mqtt_gateway.yaml is there already: choose another with -o\n',
    });
    expect(await readFile(path, 'utf8')).toBe(printed.printed);
    expect((await run(['init', '--broker', 'h', '-o', '/nowhere/x'])).code).toBe(73);
  });

  it.each([
    [[], 'name the broker with --broker'],
    [['--broker', 'http://x'], "--broker: a broker URL is like 'mqtt://host:1883'"],
    [['--broker', 'h', '--site', 'a+b'], "a site is of letters, digits, '_' and '-'"],
  ])('refuses %j, without a terminal', async (args, message) => {
    const { code, printed } = await run(['init', ...args, '-o', '-']);
    expect(code).toBe(64);
    expect(printed).toContain(message);
  });
});
