import { statSync } from 'node:fs';
import type { ConfigurationFile } from '@cstbox/dbus-bus';
import type { Finding } from '@cstbox/mqtt-core';

/** The bit of a file's mode that lets everybody read it. */
const READABLE_BY_ALL = 0o004;

/** What is secret and stands in files that everybody on this machine may read. */
export function exposedSecrets(file: ConfigurationFile): readonly Finding[] {
  const { auth, tls } = Object(file.content) as { auth?: Record<string, unknown>; tls?: Record<string, unknown> };
  const { auth: written } = Object(file.written) as { auth?: Record<string, unknown> };
  const findings: Finding[] = [];
  const look = (path: Finding['path'], name: unknown, what: string, otherwise = '') => {
    if (typeof name !== 'string' || name === '') return;
    const place = file.resolve(name);
    if (!isReadableByAll(place)) return;
    const message = `everybody on this machine may read ${what}: chmod 600 ${place}${otherwise}`;
    findings.push({ severity: 'warning', code: 'readable_by_all', message, path });
  };
  const { password } = Object(written) as { password?: unknown };
  // A reference leads elsewhere: what it stands for is in no file.
  if (typeof password === 'string' && password !== '' && password === auth?.password) {
    look(['auth', 'password'], file.path, 'the password in this file', ', or keep it elsewhere, in auth.password_file');
  }
  look(['auth', 'password_file'], auth?.password_file, 'this password');
  look(['tls', 'keyfile'], tls?.keyfile, 'this key');
  return findings;
}

function isReadableByAll(path: string): boolean {
  // That a file is not there is said where it is read.
  return ((statSync(path, { throwIfNoEntry: false })?.mode ?? 0) & READABLE_BY_ALL) !== 0;
}
