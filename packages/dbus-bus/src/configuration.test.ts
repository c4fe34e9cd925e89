import { execFileSync } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ConfigurationError } from '@cstbox/mqtt-core';
import { afterAll, describe, expect, it } from 'vitest';
import { checkConfiguration, checkFile, loadConfiguration } from './configuration.js';
import { ConfigurationFile } from './configuration-file.js';
import { readTlsFiles } from './tls-files.js';

const directory = mkdtempSync(join(tmpdir(), 'mqttgwd-test-'));
afterAll(() => rmSync(directory, { recursive: true }));

let number = 0;
function file(content: string): string {
  const path = join(directory, `${++number}.cfg`);
  writeFileSync(path, content);
  return path;
}

/** Every problem of a file, without the path of the file. */
function problems(content: string): string[] {
  const path = file(content);
  try {
    loadConfiguration(path);
  } catch (error) {
    expect(error).toBeInstanceOf(ConfigurationError);
    return (error as ConfigurationError).message.split('\n').map((line) => line.replace(`${path}:`, ''));
  }
  return [];
}

describe('a configuration file', () => {
  it('is JSON, with the keys of the original', () => {
    const path = file(
      '{"broker": {"host": "192.0.2.1", "port": 1883, "client_id": "box-17"},\n\t"auth": {"username": "u", "password": ""},\n\t"listened_topics": ["site/+/set/#"]}',
    );
    expect(loadConfiguration(path)).toEqual({
      broker: { host: '192.0.2.1', port: 1883, client_id: 'box-17' },
      auth: { username: 'u', password: '' },
      listened_topics: ['site/+/set/#'],
      qos: 1,
    });
  });

  it('may be YAML', () => {
    const path = file(
      '# ours\nbroker: {host: mqtts://broker.example}\nqos: 0\nfilters:\n  outbound:\n    use: ./mine.js\n    any: [thing]\n',
    );
    expect(loadConfiguration(path)).toEqual({
      broker: { host: 'mqtts://broker.example' },
      qos: 0,
      filters: { outbound: { use: './mine.js', any: ['thing'] } },
    });
  });

  it('may begin with a byte order mark', () => {
    expect(loadConfiguration(file('\ufeff{"broker": {"host": "h"}}')).broker.host).toBe('h');
  });

  it('may give the version of MQTT as a number', () => {
    expect(loadConfiguration(file('broker: {host: h, protocol: 5}')).broker.protocol).toBe('5');
    expect(loadConfiguration(file('broker: {host: h, protocol: 3.1.1}')).broker.protocol).toBe('3.1.1');
  });

  it('takes one filter or several in each direction', () => {
    const filters = { inbound: { use: 'a' }, outbound: [{ use: 'a', rules: [] }, { use: 'b' }] };
    expect(checkConfiguration({ broker: { host: 'h' }, filters }).filters).toEqual(filters);
  });

  it('tells no topics from an empty list of them', () => {
    const listed = (more: object) => checkConfiguration({ broker: { host: 'h' }, ...more }).listened_topics;
    expect([listed({}), listed({ listened_topics: [] })]).toEqual([undefined, []]);
  });

  it('names files relative to itself', () => {
    const { tls, dbus, outbox } = loadConfiguration(
      file(
        '{"broker": {"host": "h"}, "outbox": {"directory": "box"}, "tls": {"ca_certs": "ca.pem", "certfile": "/c.pem", "keyfile": "../k.pem"}, "dbus": {"address_file": "bus.env"}}',
      ),
    );
    expect(outbox).toEqual({ directory: join(directory, 'box') });
    expect(dbus).toEqual({ address_file: join(directory, 'bus.env') });
    expect(tls).toEqual({
      ca_certs: join(directory, 'ca.pem'),
      certfile: '/c.pem',
      keyfile: join(directory, '../k.pem'),
    });
  });

  it('reports every problem at once, each with its line, and what would be right', () => {
    expect(
      problems(`{
  "broker": { "host": "http://h", "prot": 1883, "port": "1883" },
  "auth": { "password": "x" },
  "tls": { "certfile": "c.pem", "ca_cert": "x" },
  "listened_topics": ["ok/#", "a/#/b", 5],
  "qos": 3,
  "dbus": { "adress": "unix:path=/x" },
  "filters": { "outbound": { "rules": [] }, "sideways": {} },
  "colour": "red"
}`),
    ).toEqual([
      "2:15: a broker URL is like 'mqtt://host:1883', with mqtt, mqtts, ws or wss in front (at broker.host)",
      "2:35: unknown key 'prot': did you mean 'port'? (at broker.prot)",
      '2:49: expected a port, an integer from 1 to 65535 (at broker.port)',
      '3:3: missing: a user name (at auth.username)',
      '4:12: certfile needs keyfile beside it (at tls.certfile)',
      "4:33: unknown key 'ca_cert': did you mean 'ca_certs'? (at tls.ca_cert)",
      "5:31: invalid topic filter: '#' stands alone in the last level, as in 'site/#' (at listened_topics[1])",
      '5:40: expected a topic filter (at listened_topics[2])',
      '6:3: expected 0, 1 or 2 (at qos)',
      "7:13: unknown key 'adress': did you mean 'address'? (at dbus.adress)",
      "8:16: missing: a package's name, or a path like './my-filter.js' (at filters.outbound.use)",
      "8:45: unknown key 'sideways': known here: inbound, outbound (at filters.sideways)",
      "9:3: unknown key 'colour': known here: $schema, broker, auth, tls, listened_topics, qos, dbus, outbox, commands, shutdown_timeout, filter_timeout, max_hops, simulate, filters (at colour)",
    ]);
  });

  it.each([
    ['{}', ['1:1: missing: a section with the host of the broker (at broker)']],
    ['[]', ['1:1: expected a configuration: a JSON or YAML object']],
    ['just text', ['1:1: expected a configuration: a JSON or YAML object']],
    [
      'broker: {host: ""}',
      ["1:10: '' is neither a host name nor a broker URL like 'mqtt://host:1883' (at broker.host)"],
    ],
    [
      'broker: {host: h}\ndbus: {address: foo}',
      [
        "2:8: no usable D-Bus address: 'foo': the transport 'foo' is not supported (unix and tcp are); one is like 'unix:path=/run/cstbox/bus' (at dbus.address)",
      ],
    ],
    [
      'broker: {host: h}\ndbus: {address: "unix:path=/a", address_file: /b}',
      ['2:33: address and address_file exclude each other: leave one out (at dbus.address_file)'],
    ],
    [
      'broker: {host: h}\ndbus: {address_file: ""}',
      ['2:8: expected the path of a file, not an empty text (at dbus.address_file)'],
    ],
    [
      'broker: {host: [h, "http://x", ""]}',
      [
        "1:20: a broker URL is like 'mqtt://host:1883', with mqtt, mqtts, ws or wss in front (at broker.host[1])",
        "1:32: '' is neither a host name nor a broker URL like 'mqtt://host:1883' (at broker.host[2])",
      ],
    ],
    [
      'broker: {host: h}\nfilters: {inbound: [], outbound: [{use: a}, {uses: b}, 5, {use: ""}]}',
      [
        '2:11: expected at least one filter (at filters.inbound)',
        "2:45: missing: a package's name, or a path like './my-filter.js' (at filters.outbound[1].use)",
        '2:56: expected a section with use (at filters.outbound[2])',
        "2:60: expected a package's name, or a path like './my-filter.js', not an empty text (at filters.outbound[3].use)",
      ],
    ],
    [
      'broker: {host: h}\nfilters: {inbound: here}\nfilter_timeout: 0\nmax_hops: 0.5',
      [
        '2:11: expected a section with use, or a list of such sections (at filters.inbound)',
        '3:1: expected a number of seconds above 0 (at filter_timeout)',
        '4:1: expected a number of gateways, an integer from 1 to 1000000 (at max_hops)',
      ],
    ],
    ['broker: {host: []}', ['1:10: expected at least one broker (at broker.host)']],
    [
      'broker: {host: 5}',
      ["1:10: expected the broker's host name, IP address or URL, or a list of them (at broker.host)"],
    ],
    [
      'broker: {host: [mqtts://a, mqtt://b]}\ntls: {}',
      ['1:28: TLS is configured, but the broker URL says mqtt://: use mqtts:// (at broker.host[1])'],
    ],
    [
      'broker: {host: h, protocol: 4, keep_alive: -1, ack_timeout: 0, retry: {min: 40}, session_expiry: 1.5}',
      [
        '1:19: expected auto, 5 or 3.1.1 (at broker.protocol)',
        '1:32: expected a number of seconds, an integer from 0 to 65535 (at broker.keep_alive)',
        '1:48: expected a number of seconds above 0 (at broker.ack_timeout)',
        '1:72: retry.min (40) is above retry.max (30) (at broker.retry.min)',
        '1:82: expected a number of seconds, an integer from 0 to 4294967295 (at broker.session_expiry)',
      ],
    ],
    [
      'broker: {host: h}\noutbox: {durability: disk, max_messages: 0, max_age: soon, give_up: all, dir: x}',
      [
        "2:10: expected 'memory', 'spill' or 'always' (at outbox.durability)",
        '2:28: expected a number of messages, an integer from 1 on (at outbox.max_messages)',
        '2:45: expected a number of seconds above 0 (at outbox.max_age)',
        "2:60: expected 'oldest' or 'newest' (at outbox.give_up)",
        "2:74: unknown key 'dir': known here: durability, directory, max_messages, max_bytes, max_age, give_up, commit_interval, spill_after (at outbox.dir)",
      ],
    ],
    [
      'broker: {host: h}\ncommands: {retained: yes, max_age: -1, id_field: ""}\nshutdown_timeout: 1e9',
      [
        "2:12: expected 'ignore' or 'accept' (at commands.retained)",
        '2:27: expected a number of seconds above 0 (at commands.max_age)',
        '2:40: expected the name of a field, not an empty text (at commands.id_field)',
        '3:1: expected at most 2,000,000 seconds (at shutdown_timeout)',
      ],
    ],
    ['broker: {host: h, port: 0}', ['1:19: expected a port, an integer from 1 to 65535 (at broker.port)']],
    ['broker: {host: h, port: 1.5}', ['1:19: expected a port, an integer from 1 to 65535 (at broker.port)']],
    [
      'broker: {host: "mqtt://h"}\ntls: {}',
      ['1:10: TLS is configured, but the broker URL says mqtt://: use mqtts:// (at broker.host)'],
    ],
    ['broker: {host: h}\ntls: {keyfile: k}', ['2:7: keyfile needs certfile beside it (at tls.keyfile)']],
    [
      'broker: {host: h}\n__proto__: {x: 1}',
      [
        "2:1: unknown key '__proto__': known here: $schema, broker, auth, tls, listened_topics, qos, dbus, outbox, commands, shutdown_timeout, filter_timeout, max_hops, simulate, filters (at __proto__)",
      ],
    ],
  ])('%j has a clear error', (content, expected) => {
    expect(problems(content)).toEqual(expected);
  });

  it.each([
    ['{"broker": {"host": "h"}', '1:'],
    ['{"broker": {"host": "h"},\n "broker": {}}', '2:2:'],
    ['broker:\n  host: h\n\tport: 1\n', '3:1:'],
    ['a: &a [1]\nb: *c', ' an alias (*name) stands for nothing: quote a text that begins with *'],
  ])('%j is neither JSON nor YAML, and the error names the place', (content, place) => {
    const [first] = problems(content);
    expect(first?.startsWith(place)).toBe(true);
  });

  it('can not be blown up by aliases', () => {
    const levels = Array.from(
      { length: 12 },
      (_, index) => `l${index + 1}: &l${index + 1} [${Array(10).fill(`*l${index}`).join(',')}]`,
    );
    const started = performance.now();
    expect(problems(['l0: &l0 x', ...levels].join('\n'))[0]).toMatch(/alias/i);
    expect(performance.now() - started).toBeLessThan(2_000);
  });

  it('can not go round in a circle by an alias', () => {
    expect(
      problems('broker: &b { host: h, tls: [*b] }\nfilters: { outbound: { use: u, when: &w { any: [*w] } } }'),
    ).toEqual([
      '1:29: this alias stands within what it stands for: nothing could be made of it',
      '2:49: this alias stands within what it stands for: nothing could be made of it',
    ]);
  });

  it('that can not be read is a clear error too', () => {
    expect(() => loadConfiguration('')).toThrow('no configuration file given');
    expect(() => loadConfiguration(join(directory, 'none'))).toThrow(/none: can't read the file: ENOENT/);
    expect(() => loadConfiguration(directory)).toThrow(/can't read the file: EISDIR/);
    // Who reads a pipe waits for whoever writes it, and all else with him.
    const pipe = join(directory, 'pipe');
    execFileSync('mkfifo', [pipe]);
    expect(() => loadConfiguration(pipe)).toThrow(/pipe: can't read the file: it is a pipe or a device: name a file/);
    expect(problems(`broker: { host: h }\ntls: { ca_certs: ${pipe} }`)).toEqual([]);
    const withPipe = { ca_certs: pipe };
    expect(() => readTlsFiles(withPipe)).toThrow(/can't read .*pipe: it is a pipe or a device/);
  });

  it('that is empty, or in another encoding, says so', () => {
    expect(problems(' \n')).toEqual([' the file is empty: a configuration is a JSON or YAML object']);
    const path = file('');
    // UTF-16 as editors save it begins with bytes that UTF-8 never has.
    for (const bytes of [Buffer.from('host: küche', 'latin1'), Buffer.from('\ufeffhost: h', 'utf16le')]) {
      writeFileSync(path, bytes);
      expect(() => loadConfiguration(path)).toThrow(`${path}: this is no UTF-8: save it in that encoding`);
    }
  });

  it.skipIf(process.getuid?.() === 0)('that we may not read is a clear error', () => {
    const path = file('{}');
    chmodSync(path, 0);
    expect(() => loadConfiguration(path)).toThrow(/can't read the file: EACCES/);
  });

  it('does not show a password in an error', () => {
    const content = '{"broker": {"host": "mqtt://u:s3cr3t@h"}, "auth": {"username": 1, "password": ["s3cr3t"]}}';
    expect(problems(content).join('\n')).not.toContain('s3cr3t');
  });
});

describe('the password of a configuration', () => {
  const load = (auth: string, environment = {}) => {
    const read = ConfigurationFile.read(file(`broker: {host: h}\nauth: {username: u, ${auth}}`), { environment });
    return { auth: checkFile(read).auth, shown: read.secrets.redact('kept-apart') };
  };

  it('may stand in a file of its own, or come from the environment, and is a secret in each case', () => {
    writeFileSync(join(directory, 'password'), 'kept-apart\n');
    for (const [auth, environment] of [
      ['password_file: password'],
      ['password_file: "${env:FILE}"', { FILE: join(directory, 'password') }],
      ['password: kept-apart'],
      ['password: "${env:ANY}"', { ANY: 'kept-apart' }],
    ] as const) {
      expect(load(auth, environment)).toEqual({ auth: { username: 'u', password: 'kept-apart' }, shown: '***' });
    }
  });

  it.each([
    ['password: x, password_file: /none', 'password and password_file exclude each other: leave one out'],
    ['password_file: none', "can't read .*/none: ENOENT: no such file or directory: write the password into it"],
    ['password: "${env:NONE}"', 'the environment has no NONE: set it, .* \\(at auth.password\\)'],
    ['password_file: ""', 'expected the path of a file, not an empty text'],
  ])('%s is an error with its place', (auth, message) => {
    expect(() => load(auth)).toThrow(new RegExp(`\\.cfg:2:\\d+: ${message}`));
  });

  it('shows in no error, wherever else it stands', () => {
    const secret = { environment: { HOST: 'http://planted', SECRET: 'http://planted' } };
    const read = ConfigurationFile.read(file('broker: {host: "${env:SECRET}"}'), secret);
    expect(() => checkFile(read)).toThrow(ConfigurationError);
    expect(() => checkFile(read)).not.toThrow(/planted/);
  });
});

describe('checkConfiguration', () => {
  it('leaves the object that it is given alone', () => {
    const given = Object.freeze({ broker: Object.freeze({ host: 'h' }) });
    expect(checkConfiguration(given)).toEqual({ broker: { host: 'h' }, qos: 1 });
    expect(given).toEqual({ broker: { host: 'h' } });
  });
});
