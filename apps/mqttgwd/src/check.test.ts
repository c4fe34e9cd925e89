import { chmod } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { run, workplace } from '../test/daemon.js';

const GOOD = `broker: { host: h }
filters:
  outbound:
    use: "@cstbox/mqtt-filters-re"
    rules:
      - ["temperature:(?P<room>[a-z]+)$", "site/{room}/temperature"]
`;

const DOUBTFUL = `broker: { host: h }
dbus: { address_file: bus.env }
auth: { username: u, password: planted }
listened_topics: [a/b]
filters:
  outbound:
    - use: "@cstbox/mqtt-filters-re"
      channels: [attic]
      rules:
        - ["temperature:(?P<room>[a-z]+)$", "site/{room}/temperature"]
        - ["temperature:hall$", "site/hall"]
    - { use: ./mine.mjs, says: "planted is your secret" }
`;

const WRONG = `broker: { host: h, prot: 1 }
auth: { username: u, password_file: none }
tls: { ca_certs: ca.pem }
filters:
  outbound:
    use: "@cstbox/mqtt-filters-re"
    rules:
      - ["temperature:(", "site"]
  inbound:
    use: "@cstbox/mqtt-filters-mine"
`;

const MINE = `export const createOutboundFilter = ({ says }, { logger }) => {
  logger.warn(says);
  setInterval(() => {}, 1000);
  return { channels: ['sensor'], getMqttTopic: () => null, makePayload: () => '' };
};`;

async function check(text: string, args: string[] = [], environment = {}) {
  await using place = await workplace();
  await chmod(await place.file('c.yaml', text), 0o644);
  await place.file('mine.mjs', MINE);
  const result = await run(['check', 'c.yaml', ...args], environment, place.directory);
  const printed = result.printed.replaceAll(place.directory, '');
  const lines = printed.replaceAll('\n    ', ' ').trimEnd().split('\n');
  return { ...result, printed, lines, isNarrow: result.printed.split('\n').every((line) => line.length <= 80) };
}

describe('mqttgwd check', () => {
  it('has nothing to say against a right configuration', async () => {
    expect(await check(GOOD, ['--strict'])).toMatchObject({ code: 0, lines: ['c.yaml: nothing to say against it'] });
  });

  it('prints what is doubtful with place, severity and remedy, on 80 columns, and ends with 1 if it is strict', async () => {
    const { code, lines, isNarrow } = await check(DOUBTFUL, ['--strict']);
    expect(code).toBe(1);
    expect(lines).toEqual([
      'c.yaml:2:9: info: there is no /bus.env by now: the gateway would wait for it (at dbus.address_file)',
      'c.yaml:3:22: warning: everybody on this machine may read the password in this file: chmod 600 /c.yaml, or keep it elsewhere, in auth.password_file (at auth.password)',
      'c.yaml:4:1: warning: there are listened_topics, but no inbound filter: what comes on them is ignored (at listened_topics)',
      'c.yaml:4:19: warning: no inbound rule can match a message of this subscription (a/b): remove it, or add a rule (at listened_topics[0])',
      'c.yaml:5:1: info: loops between filters of @cstbox/mqtt-filters-re and ./mine.mjs are not looked at (at filters)',
      'c.yaml:6:3: warning: listening to attic, beside the channels that every CSTBox has: sensor, control, sysmon, framework (at filters.outbound)',
      'c.yaml:11:11: warning: this rule never applies: an earlier rule takes everything that it matches (temperature:(?P<room>[a-z]+)$); move it before that, or remove it (at filters.outbound[0].rules[1])',
      'c.yaml:12:7: warning: *** is your secret (at filters.outbound[1])',
      'c.yaml: 6 warnings, 2 notes',
    ]);
    expect(isNarrow).toBe(true);
  });

  it('ends with 0 for warnings alone, and shows no secret, though a filter does', async () => {
    const { code, printed } = await check(DOUBTFUL);
    expect(code).toBe(0);
    expect(printed).toContain('warning: *** is your secret');
    expect(printed).not.toContain('planted');
  });

  it('prints all that is wrong at once, and ends with 78', async () => {
    const { code, lines } = await check(WRONG);
    expect(code).toBe(78);
    expect(lines).toEqual([
      "c.yaml:1:20: error: unknown key 'prot': did you mean 'port'? (at broker.prot)",
      "c.yaml:2:22: error: can't read /none: ENOENT: no such file or directory: write the password into it, readable by the gateway alone (at auth.password_file)",
      "c.yaml:3:8: error: can't read /ca.pem: ENOENT: no such file or directory (at tls.ca_certs)",
      'c.yaml:8:10: error: invalid regex (temperature:() : missing ), unterminated group (at filters.outbound.rules[0][0])',
      "c.yaml:10:5: error: there is no module '@cstbox/mqtt-filters-mine': install it beside this file, or write './@cstbox/mqtt-filters-mine' if you mean a file (at filters.inbound.use)",
      'c.yaml: 5 errors',
    ]);
  });

  it('prints JSON for programs', async () => {
    const { code, printed } = await check('broker: { host: h }\nqos: 3', ['--json']);
    expect(code).toBe(78);
    expect(JSON.parse(printed)).toEqual({
      findings: [
        {
          severity: 'error',
          code: 'schema',
          message: 'expected 0, 1 or 2',
          file: '/c.yaml',
          line: 2,
          column: 1,
          path: ['qos'],
        },
      ],
      errors: 1,
      warnings: 0,
    });
  });

  it.each([
    ['broker: [', 'c.yaml:1:', 78],
    ['broker: {host: "${env:NONE}"}', 'c.yaml:1:10: error: the environment has no NONE: set it', 78],
  ])('names the place in %j', async (text, line, expected) => {
    const { code, printed } = await check(text);
    expect(printed).toContain(line);
    expect(code).toBe(expected);
  });

  it('takes the configuration as an operand or with -c, not both', async () => {
    await using place = await workplace();
    const path = await place.file('c.yaml', GOOD);
    expect((await run(['check', '-c', path])).printed).toBe(`${path}: nothing to say against it\n`);
    expect((await run(['check', path, '-c', path])).code).toBe(64);
    const none = join(place.directory, 'none.yaml');
    const { code, printed } = await run(['check', none]);
    expect(code).toBe(78);
    expect(printed).toContain(`error: there is no configuration file at ${none}:`);
    expect(printed).toContain(`${none}: 1 error\n`);
  });
});
