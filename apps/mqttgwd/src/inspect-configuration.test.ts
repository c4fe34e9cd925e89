import { chmod } from 'node:fs/promises';
import { silentLogger } from '@cstbox/mqtt-core';
import { createCertificates } from '@cstbox/test-peers';
import { describe, expect, it } from 'vitest';
import { workplace } from '../test/daemon.js';
import { inspectConfiguration } from './inspect-configuration.js';

const FILTERS = { outbound: { use: '@cstbox/mqtt-filters-re', rules: [['temperature:a$', 'site/a']] } };

/** What is found in a configuration in a directory of its own, as `place code message`. */
async function inspect(content: object, files: Record<string, string> = {}, environment = {}) {
  await using place = await workplace();
  for (const [name, text] of Object.entries(files)) await chmod(await place.file(name, text), 0o644);
  const path = await place.file('c.json', { broker: { host: 'h' }, filters: FILTERS, ...content });
  const { findings, loaded } = await inspectConfiguration(path, { logger: () => silentLogger, environment });
  await loaded?.[Symbol.asyncDispose]();
  return {
    loaded,
    findings: findings.map(({ severity, code, message, path: keys }) =>
      `${severity} ${code} ${keys.join('.')}: ${message}`.replaceAll(place.directory, ''),
    ),
  };
}

describe('secrets of a configuration', () => {
  it('in files that everybody may read are worth a warning each, with what to do', async () => {
    const { client } = await createCertificates();
    const tls = { certfile: 'box.pem', keyfile: 'box.key' };
    const certificates = { 'box.pem': client.cert, 'box.key': client.key };
    const plain = await inspect({ auth: { username: 'u', password: 'planted' }, tls }, certificates);
    expect(plain.loaded).toBeDefined();
    expect(plain.findings).toEqual([
      'warning readable_by_all auth.password: everybody on this machine may read the password in this file: chmod 600 /c.json, or keep it elsewhere, in auth.password_file',
      'warning readable_by_all tls.keyfile: everybody on this machine may read this key: chmod 600 /box.key',
    ]);
    const apart = await inspect({ auth: { username: 'u', password_file: 'pass' } }, { pass: 'planted\n' });
    expect(apart.findings).toEqual([
      'warning readable_by_all auth.password_file: everybody on this machine may read this password: chmod 600 /pass',
    ]);
    expect(apart.loaded?.configuration.auth).toEqual({ username: 'u', password: 'planted' });
    const elsewhere = { auth: { username: 'u', password: '${env:ANY}' } };
    expect((await inspect(elsewhere, {}, { ANY: 'planted' })).findings).toEqual([]);
  });

  it('that are not there are said once, whatever the text in their place would be', async () => {
    const { findings } = await inspect({
      broker: { host: '${env:NONE}//' },
      auth: { username: 'u', password_file: 'none' },
      filters: { outbound: { use: './${env:NEITHER}.js' } },
    });
    expect(findings).toEqual([
      'error reference broker.host: the environment has no NONE: set it, for a service in Environment= or EnvironmentFile= of its unit',
      'error reference filters.outbound.use: the environment has no NEITHER: set it, for a service in Environment= or EnvironmentFile= of its unit',
      "error reference auth.password_file: can't read /none: ENOENT: no such file or directory: write the password into it, readable by the gateway alone",
    ]);
  });

  it('show in no finding, also when a filter throws them', async () => {
    const thrower = 'export const createOutboundFilter = ({ token }) => { throw new Error(`no: ${token}`); };';
    const filters = { outbound: { use: './thrower.mjs', token: '${env:TOKEN}' } };
    const { findings } = await inspect({ filters }, { 'thrower.mjs': thrower }, { TOKEN: 'planted' });
    expect(findings).toEqual(["error filter filters.outbound: './thrower.mjs' refuses its section: no: ***"]);
  });
});
