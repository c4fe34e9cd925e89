import { busAddress, connectorOptions, DBusEventBus, DBusLink, subscriptionsOf } from '@cstbox/dbus-bus';
import {
  ALL_CHANNELS,
  type BusListener,
  type Logger,
  MQTTConnector,
  type TimedEvent,
  uniteTopicFilters,
} from '@cstbox/mqtt-core';
import type { LoadedGateway } from '../load-gateway.js';
import type { RecordedLine } from './recording-format.js';

/** What is listened to, beside what the configuration says. */
export interface Sources {
  readonly channels: readonly string[];
  readonly topics: readonly string[];
}

/** The channels and topics of a recording by a configuration. */
export function sourcesOf({ configuration, inbound, outbound }: LoadedGateway, topics: readonly string[]): Sources {
  const own = subscriptionsOf(configuration, inbound).topics;
  return {
    channels: [...new Set([...ALL_CHANNELS, ...outbound.flatMap(({ channels }) => channels)])],
    // The messages of a shared subscription go to one of its group: that must not be us.
    topics: uniteTopicFilters([...own, ...topics].map((topic) => topic.replace(/^\$share\/[^/]*\//, ''))),
  };
}

/** What a {@link Recorder} is made of. */
export interface RecorderParts {
  readonly loaded: LoadedGateway;
  readonly sources: Sources;
  /** Its name at the broker: another than the gateway's, which would be thrown out. */
  readonly clientId: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly logger: (component: string) => Logger;
  /** Takes what comes, at once. */
  readonly onLine: (line: RecordedLine) => void;
}

/** Hears a bus and a broker over connections of its own, which outlast outages: whether a gateway runs is nothing to it. */
export class Recorder implements AsyncDisposable {
  readonly #link: DBusLink;
  readonly #bus: DBusEventBus;
  readonly #connector: MQTTConnector | undefined;
  readonly #parts: RecorderParts;

  constructor(parts: RecorderParts) {
    const { loaded, sources, clientId, environment, logger, onLine } = parts;
    const { configuration } = loaded;
    this.#parts = parts;
    this.#link = new DBusLink({ address: busAddress(configuration.dbus, environment), logger: logger('DBus') });
    this.#bus = new DBusEventBus(this.#link, { logger: logger('EventBus') });
    this.#bus.watch((state) => onLine({ kind: 'link', at: Date.now(), side: 'bus', isUp: state === 'attached' }));
    if (sources.topics.length === 0) return;
    // Nothing is kept for it while it is not there: a session would collect messages for nobody.
    const options = { ...connectorOptions(configuration, sources.topics), clientId, sessionExpiry: 0 };
    const connector = new MQTTConnector({ ...options, logger: logger('MQTTConnector') });
    connector.onMessage = (_client, _userData, message) => onLine({ kind: 'mqtt', at: Date.now(), message });
    connector.watch((state) => onLine({ kind: 'link', at: Date.now(), side: 'mqtt', isUp: state === 'connected' }));
    this.#connector = connector;
  }

  /**
   * Hears both sides from now on, or as soon as they are there.
   *
   * @throws {MQTTGatewayError} `bus_refused`
   */
  async start(): Promise<void> {
    const { onLine } = this.#parts;
    const listener: BusListener = {
      event: (channel: string, event: TimedEvent) => onLine({ kind: 'bus', at: Date.now(), channel, event }),
      // The gateway refuses such signals, too.
      malformed: () => {},
    };
    void this.#link.run();
    await this.#bus.subscribe(this.#parts.sources.channels, listener);
    this.#connector?.run().catch(() => {});
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#connector?.shutdown();
    await this.#bus.close();
    await this.#link.close();
  }
}
