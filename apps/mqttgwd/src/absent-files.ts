import { existsSync } from 'node:fs';
import type { ConfigurationFile } from '@cstbox/dbus-bus';
import type { Finding } from '@cstbox/mqtt-core';

/** Files that need not be there yet: the gateway waits for them. */
export function absentFiles(file: ConfigurationFile): readonly Finding[] {
  const { dbus } = Object(file.content) as { dbus?: { address_file?: unknown } };
  const name = dbus?.address_file;
  if (typeof name !== 'string' || name === '' || existsSync(file.resolve(name))) return [];
  const message = `there is no ${file.resolve(name)} by now: the gateway would wait for it`;
  return [{ severity: 'info', code: 'absent_file', message, path: ['dbus', 'address_file'] }];
}
