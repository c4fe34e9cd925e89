import { COMMAND_ROOMS } from './names.js';
import type { Setting } from './schedule.js';

/** How often `always` writes to disk, in ms: what is younger may be missing after a SIGKILL. */
export const COMMIT_INTERVAL_MS = 50;
/** How long a message may wait in memory alone under `spill`, in ms. Shorter than the default, as the runs are. */
export const SPILL_AFTER_MS = 300;
/** How long the gateway may take to end, in ms. */
export const SHUTDOWN_TIMEOUT_MS = 1_500;

/** Where the gateway finds its peers, and keeps its outbox. */
export interface Places {
  readonly brokerPort: number;
  readonly outboxDirectory: string;
}

/** The gateway's configuration file: everything quicker than by default, so that a run is short. */
export function gatewayConfiguration({ durability, qos, protocol }: Setting, places: Places): object {
  const use = '@cstbox/mqtt-filters-re';
  return {
    broker: {
      host: '127.0.0.1',
      port: places.brokerPort,
      client_id: 'faults',
      protocol,
      keep_alive: 1,
      connect_timeout: 0.5,
      ack_timeout: 1,
      retry: { min: 0.05, max: 0.4 },
    },
    qos,
    listened_topics: ['site/+/set/#'],
    outbox: {
      durability,
      directory: places.outboxDirectory,
      commit_interval: COMMIT_INTERVAL_MS / 1_000,
      spill_after: SPILL_AFTER_MS / 1_000,
    },
    shutdown_timeout: SHUTDOWN_TIMEOUT_MS / 1_000,
    filters: {
      outbound: { use, channels: ['sensor'], rules: [['temperature:(?P<room>.+)$', 'site/{room}/temperature']] },
      inbound: {
        use,
        rules: [[`site/(?P<room>${COMMAND_ROOMS.join('|')})/set/(?P<what>.+)$`, [['{what}', '{room}', 'control']]]],
      },
    },
  };
}
