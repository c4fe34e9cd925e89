import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { resolveReferences } from './references.js';
import { Secrets } from './secrets.js';

const directory = mkdtempSync(join(tmpdir(), 'credentials-'));
afterAll(() => rmSync(directory, { recursive: true }));
writeFileSync(join(directory, 'mqtt'), 'from-systemd\n');
writeFileSync(join(directory, 'empty'), '\n');
writeFileSync(join(directory, 'binary'), Buffer.from([0xff, 0xfe]));

const ENVIRONMENT = { CREDENTIALS_DIRECTORY: directory, SITE: 'house-1', API_TOKEN: 't0ken', NESTED: '${env:SITE}' };

function resolve(content: unknown, environment: Record<string, string> = ENVIRONMENT) {
  const secrets = new Secrets();
  return { ...resolveReferences(content, { environment, secrets }), redact: secrets.redact };
}
const textOf = (text: string) => resolve(text).content;
const problemOf = (text: unknown, environment?: Record<string, string>) =>
  resolve(text, environment).problems.map(({ message }) => message.replaceAll(directory, ''));

describe('a reference in a configuration', () => {
  it('stands for a variable or a credential, in any text at any depth, also amid others', () => {
    const content = {
      broker: { host: '${env:SITE}.example.org' },
      filters: { outbound: [{ rules: [['a', '${env:SITE}/${credential:mqtt}/{room}']] }] },
      qos: 1,
    };
    expect(resolve(content)).toMatchObject({
      content: {
        broker: { host: 'house-1.example.org' },
        filters: { outbound: [{ rules: [['a', 'house-1/from-systemd/{room}']] }] },
        qos: 1,
      },
      problems: [],
    });
    expect(content.broker.host).toBe('${env:SITE}.example.org');
  });

  it('is written as it is with $${', () => {
    expect(textOf('$${env:SITE}')).toBe('${env:SITE}');
    expect(textOf('a$${x')).toBe('a${x');
  });

  it('is none without a colon, as templates have it, and none in a value that it stood for', () => {
    expect(textOf('site/${room}/${1}$')).toBe('site/${room}/${1}$');
    expect(textOf('${env:NESTED}')).toBe('${env:SITE}');
  });

  it('leaves keys alone, and what an alias has made one, one', () => {
    const shared = { room: '${env:SITE}' };
    const { content } = resolve({ '${env:SITE}': shared, again: shared });
    expect(content).toEqual({ '${env:SITE}': { room: 'house-1' }, again: { room: 'house-1' } });
    const { again, ...rest } = content as Record<string, unknown>;
    expect(again).toBe(rest['${env:SITE}']);
  });

  it.each([
    [
      '${env:NONE}',
      'the environment has no NONE: set it, for a service in Environment= or EnvironmentFile= of its unit',
    ],
    ['${env:}', '${env:NAME} takes the name of a variable: letters, digits and _'],
    ['${env:NONE', "the '}' of a reference is missing: it is like ${env:NAME}"],
    [
      '${evn:SITE}',
      "'${' begins a reference, ${env:NAME} or ${credential:NAME}: write '$${' for the characters themselves",
    ],
    [
      '${credential:none}',
      "can't read /none: ENOENT: no such file or directory: let the service's unit say LoadCredential=none:PATH",
    ],
    ['${credential:../mqtt}', '${credential:NAME} takes the name of a credential: that of a file'],
    ['${credential:..}', '${credential:NAME} takes the name of a credential: that of a file'],
    ['${credential:empty}', '/empty is empty: write into it what is to be kept there'],
    ['${credential:binary}', '/binary is no UTF-8 text'],
  ])('%s leads nowhere, and the error says what to do', (text, message) => {
    expect(problemOf(text)).toEqual([message]);
    expect(textOf(text)).toBe(text);
  });

  it('to a credential needs systemd', () => {
    expect(problemOf('${credential:mqtt}', {})).toEqual([
      "there is no credential mqtt, as there is no CREDENTIALS_DIRECTORY: let the service's unit say LoadCredential=mqtt:PATH, and start it by systemd",
    ]);
  });

  it('that leads nowhere is named by its place, each of them', () => {
    const { problems } = resolve({ a: ['${env:X}', { b: '${env:Y}' }] });
    expect(problems.map(({ path }) => path)).toEqual([
      ['a', 0],
      ['a', 1, 'b'],
    ]);
  });
});

describe('a secret of a configuration', () => {
  it('is every credential, every variable that is called like one, and whatever stands for a password', () => {
    const show = (content: unknown) => resolve(content).redact('from-systemd t0ken house-1');
    expect(show('${credential:mqtt}')).toBe('*** t0ken house-1');
    expect(show('${env:API_TOKEN}')).toBe('from-systemd *** house-1');
    expect(show('${env:SITE}')).toBe('from-systemd t0ken house-1');
    expect(show({ auth: { password: '${env:SITE}' } })).toBe('from-systemd t0ken ***');
    expect(show({ auth: { password: 't0ken house-1' } })).toBe('from-systemd ***');
  });

  it.each(['MQTT_PASSWORD', 'mqtt_pass', 'SECRET', 'ACCESS_TOKENS', 'API_KEY', 'KEYS', 'MY_CREDENTIAL'])(
    'is what the variable %s holds',
    (name) => {
      expect(resolve(`\${env:${name}}`, { [name]: 'planted' }).redact('planted')).toBe('***');
    },
  );
});
