import { readFileSync } from 'node:fs';

/** The id of this machine (machine-id(5)), or `undefined` when it has none. */
export function readMachineId(): string | undefined {
  for (const path of ['/var/lib/dbus/machine-id', '/etc/machine-id']) {
    try {
      const id = readFileSync(path, 'utf8').trim();
      if (id !== '') return id;
    } catch {}
  }
  return undefined;
}
