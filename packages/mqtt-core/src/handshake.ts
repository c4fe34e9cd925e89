import type { IConnackPacket, MqttClient } from 'mqtt';
import { formatBrokerAddress } from './broker-address.js';
import type { Connection } from './connection.js';
import type { ConnectorSettings } from './connector-options.js';
import type { InboundFlow } from './inbound-flow.js';
import type { Logger } from './logger.js';
import { OrphanRelease } from './orphan-release.js';
import type { Publisher } from './publisher.js';
import { listed, type Subscriptions, type Wanted } from './subscriptions.js';

/** How long the broker may be silent while it releases what was left in a session. */
const RELEASE_TIMEOUT_MS = 3_000;

/** What a {@link Handshake} is made of. */
export interface HandshakeParts {
  readonly connection: Connection;
  readonly client: MqttClient;
  readonly settings: ConnectorSettings;
  readonly publisher: Publisher;
  readonly inbound: InboundFlow;
  readonly subscriptions: Subscriptions;
  readonly logger: Logger;
  /** What to subscribe to, now. */
  readonly wanted: () => Wanted;
  /** The session whose state this process knows; see {@link sessionOf}. */
  readonly knownSession: string | undefined;
  /** Another client with the same name may throw this one out soon: nobody wants to read that it is there again. */
  readonly isContested: boolean;
  /** For how long there was no connection, as the end of a line. */
  readonly outage: string;
  /** The state of the session is known from now on. */
  readonly onSession: () => void;
  /** The connection can be used. */
  readonly onUp: () => void;
  readonly giveUp: (reason: string) => void;
}

/** The session of a client at a broker; another broker may have one of the same name. */
export function sessionOf({ attempt }: Connection, clientId: string): string {
  return `${clientId} at ${formatBrokerAddress(attempt.address)}`;
}

/** The steps from the broker's acceptance to a connection that can be used: session, subscriptions; and later, other subscriptions. */
export class Handshake {
  readonly #parts: HandshakeParts;
  readonly #level: 'info' | 'debug';

  constructor(parts: HandshakeParts) {
    this.#parts = parts;
    this.#level = parts.isContested ? 'debug' : 'info';
  }

  /** The broker has accepted the connection. */
  accepted(packet: IConnackPacket): void {
    const { connection, client, settings, publisher, inbound, subscriptions, logger } = this.#parts;
    const { sessionExpiry } = settings;
    const { version } = connection.attempt;
    const sessionPresent = packet.sessionPresent && sessionExpiry > 0;
    connection.acceptedAt = performance.now();
    connection.sessionPresent = sessionPresent;
    connection.isResumed = sessionPresent && this.#parts.knownSession === sessionOf(connection, settings.clientId);
    subscriptions.opened(sessionPresent);
    publisher.opened(client, packet, version, connection.isResumed);
    inbound.opened(client, connection.isResumed);
    this.#expect('the broker does not answer');
    const granted = packet.properties?.sessionExpiryInterval ?? sessionExpiry;
    if (version === 5 && granted < sessionExpiry) {
      logger.warn(`the broker keeps a session for ${granted} s only, not for ${sessionExpiry} s`);
    }
  }

  /**
   * Before anything is published in a session of which this process does not know the state, the broker releases what was
   * left in it half-way: by an earlier process, at another address, or by ourselves when we gave it up.
   */
  adoptSession(): void {
    const { connection, client } = this.#parts;
    const proceed = () => {
      if (connection.isOver) return;
      connection.orphans = undefined;
      this.#parts.onSession();
      this.#connected();
    };
    if (!connection.sessionPresent || connection.isResumed) return proceed();
    // Those that it does not know it should answer too (MQTT 5, section 4.3.3): one that does not is no reason to wait on.
    connection.expect(RELEASE_TIMEOUT_MS, proceed);
    connection.orphans = new OrphanRelease(client, proceed);
  }

  /** What is wanted may be something else now. */
  resubscribe(): void {
    // Until then nobody has asked: what is wanted is looked at when somebody does.
    if (this.#parts.connection.hasSubscribed) this.#subscribe(false);
  }

  /**
   * Nothing is read for now. The answer to the subscriptions may stand behind it, for as long as the bus is away: those of
   * which messages come stand already, in the session, and messages that go out need not wait for it.
   */
  paused(): void {
    const { connection, subscriptions } = this.#parts;
    if (subscriptions.isAsking && !connection.isOver && !connection.wasUp) this.#parts.onUp();
  }

  #connected(): void {
    const { connection, inbound, logger } = this.#parts;
    const { address, version } = connection.attempt;
    logger[this.#level](
      `connected to ${formatBrokerAddress(address)} with MQTT ${version === 5 ? '5' : '3.1.1'}${connection.sessionPresent ? ', in the session of before' : ''}${this.#parts.outage}`,
    );
    this.#subscribe(true);
    if (inbound.isPaused) this.paused();
  }

  #subscribe(all: boolean): void {
    const { connection, client, subscriptions } = this.#parts;
    connection.hasSubscribed = true;
    subscriptions.ask(client, connection.attempt.version, this.#parts.wanted(), all, (accepted) => {
      if (!connection.isOver) this.#subscribed(accepted);
    });
    if (subscriptions.isAsking) return this.#expect('the broker does not answer the subscription');
    if (!connection.wasUp) this.#up();
  }

  #subscribed(accepted: readonly string[]): void {
    const { connection, subscriptions, logger } = this.#parts;
    if (subscriptions.refusal !== undefined) logger.error(subscriptions.refusal);
    if (accepted.length > 0) logger[this.#level](`subscribed to ${listed(accepted)}`);
    connection.relax();
    if (!connection.wasUp) this.#up();
  }

  #up(): void {
    this.#parts.connection.relax();
    this.#parts.onUp();
  }

  /** What a connection may take until its next step. */
  #expect(otherwise: string): void {
    const { connection, inbound, settings, giveUp } = this.#parts;
    connection.expect(settings.connectTimeoutMs, () => {
      // The answer may stand behind what we do not read.
      if (inbound.isPaused) connection.deadline?.refresh();
      else giveUp(otherwise);
    });
  }
}
