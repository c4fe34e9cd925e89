import { createHash } from 'node:crypto';
import { readMachineId } from './machine-id.js';

/**
 * A name for this machine at a broker that is the same at each start, so that the broker keeps what comes meanwhile; or
 * `undefined` when the machine has no id. Like systemd's application-specific ids it does not give the machine's id away.
 *
 * @param brokers where it is used: gateways of one machine to several brokers have names of their own
 */
export function stableClientId(brokers: readonly string[]): string | undefined {
  const machine = readMachineId();
  if (machine === undefined) return undefined;
  const hash = createHash('sha256').update(['mqttgwd', machine, ...brokers].join('\0'));
  // Every broker takes 23 characters (MQTT 3.1.1, section 3.1.3.1).
  return `cstbox-${hash.digest('hex').slice(0, 16)}`;
}
