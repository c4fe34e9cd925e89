import { ALL_CHANNELS, type Logger, silentLogger, type Timestamp } from '@cstbox/mqtt-core';
import type { DBusArgument, DBusInterface } from './dbus-interface.js';
import type { DBusLink } from './dbus-link.js';
import { MessageType } from './dbus-message.js';
import { channelPath, EVENT_MANAGER, EVENT_SIGNAL, EVENT_SIGNATURE } from './names.js';

import { ServiceContainer, type ServiceObject } from './service-container.js';

const TIMESTAMP: DBusArgument = { name: 'timestamp', type: 't' };
const VARIABLE: readonly DBusArgument[] = [
  { name: 'var_type', type: 's' },
  { name: 'var_name', type: 's' },
  { name: 'data', type: 's' },
];

/**
 * One channel of CSTBox's event manager: dates events, and broadcasts them.
 *
 * Like the original it takes any string as data, and shows no reply in its introspection data although it sends one.
 */
export class EventChannel implements ServiceObject {
  readonly path: string;
  readonly interface: DBusInterface;
  readonly #link: DBusLink;

  constructor(link: DBusLink, channel: string) {
    this.#link = link;
    this.path = channelPath(channel);
    this.interface = {
      name: EVENT_MANAGER,
      methods: {
        emitEvent: {
          in: VARIABLE,
          out: [],
          replySignature: 'b',
          handle: ([varType, varName, data]) => this.#broadcast(Date.now(), varType, varName, data),
        },
        emitFullEvent: {
          in: [TIMESTAMP, ...VARIABLE],
          out: [],
          replySignature: 'b',
          handle: ([timestamp, varType, varName, data]) => this.#broadcast(timestamp as bigint, varType, varName, data),
        },
      },
      signals: { [EVENT_SIGNAL]: [TIMESTAMP, ...VARIABLE] },
    };
  }

  async start(): Promise<void> {}

  async stop(): Promise<void> {}

  #broadcast(timestamp: Timestamp, varType: unknown, varName: unknown, data: unknown): [boolean] {
    this.#link.send({
      type: MessageType.SIGNAL,
      path: this.path,
      interface: EVENT_MANAGER,
      member: EVENT_SIGNAL,
      signature: EVENT_SIGNATURE,
      body: [timestamp, varType, varName, data],
    });
    return [true];
  }
}

/** Options of {@link createEventManager}. */
export interface EventManagerOptions {
  /** The channels to serve. Default: the four that CSTBox predefines. */
  channels?: readonly string[];
  /** Default: silent. */
  logger?: Logger;
}

/**
 * The event manager as a service: a CSTBox bus without the original. It announces nothing of itself, as the original.
 *
 * @param link stays the caller's, who closes it after the container has stopped
 */
export function createEventManager(
  link: DBusLink,
  { channels = ALL_CHANNELS, logger = silentLogger }: EventManagerOptions = {},
): ServiceContainer {
  const objects = channels.map((channel) => new EventChannel(link, channel));
  return new ServiceContainer('EventManager', link, objects, { announce: false, logger });
}
