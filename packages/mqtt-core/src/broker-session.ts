import type { IConnackPacket, MqttClient } from 'mqtt';
import { formatBrokerAddress } from './broker-address.js';
import type { Connection } from './connection.js';
import type { ConnectorSettings, MQTTConnectorOptions } from './connector-options.js';
import { Handshake, sessionOf } from './handshake.js';
import type { InboundFlow } from './inbound-flow.js';
import type { Logger } from './logger.js';
import { createClient, openConnection } from './mqttjs-client.js';
import type { Publisher } from './publisher.js';
import type { Subscriptions, Wanted } from './subscriptions.js';

/** How long the broker gets to see the goodbye. */
const DISCONNECT_TIMEOUT_MS = 1_000;
/** A destroyed socket closes at once; an MQTT.js client that does not say so in this time is replaced. */
const CLOSE_TIMEOUT_MS = 3_000;
/** How long what is on the wire may take to arrive before the connection is left for another. */
const FAREWELL_TIMEOUT_MS = 2_000;

/** What a {@link BrokerSession} is made of. */
export interface BrokerSessionParts {
  readonly publisher: Publisher;
  readonly inbound: InboundFlow;
  readonly subscriptions: Subscriptions;
  readonly logger: Logger;
  /** What to subscribe to, now. */
  readonly wanted: () => Wanted;
  /** Whether another client with the same name may throw this one out soon. */
  readonly isContested: () => boolean;
  /** For how long there was no connection, as the end of a line. */
  readonly outage: () => string;
  /** The broker has accepted a connection. */
  readonly onAccepted: () => void;
  /** A connection can be used. */
  readonly onUp: (connection: Connection) => void;
  /** A connection is not to be used any more. */
  readonly onLeft: () => void;
}

/** What goes on over connections, one after the other: the session at the broker, and the MQTT.js client that has part of its state. */
export class BrokerSession {
  readonly #parts: BrokerSessionParts;
  #client: MqttClient | undefined;
  /** The session whose state this process knows. */
  #known: string | undefined;
  #connection: Connection | undefined;
  #handshake: Handshake | undefined;
  /** Whether it goes on over the loss of a connection. */
  #outlivesConnections = false;
  #isLeaving = false;
  #isEnding = false;

  constructor(parts: BrokerSessionParts) {
    this.#parts = parts;
  }

  /** The present connection, or the last one. */
  get connection(): Connection | undefined {
    return this.#connection;
  }

  /** The same, if the broker has accepted it and it is not over. */
  get accepted(): Connection | undefined {
    const connection = this.#connection;
    return connection?.acceptedAt === undefined || connection.isOver ? undefined : connection;
  }

  /** What to publish with over a connection that is up. */
  get client(): MqttClient | undefined {
    return this.#client;
  }

  /** What is on the wire is being waited for, before the connection is left. */
  get isLeaving(): boolean {
    return this.#isLeaving;
  }

  /** Makes one connection. Resolves when it ended. */
  async connect(connection: Connection, options: MQTTConnectorOptions, settings: ConnectorSettings): Promise<void> {
    this.#connection = connection;
    this.#handshake = undefined;
    this.#outlivesConnections = settings.sessionExpiry > 0;
    try {
      this.#client ??= this.#createClient(connection, options, settings);
      openConnection(this.#client, connection, settings, (reason) => this.giveUp(connection, reason));
    } catch (error) {
      connection.fail(error as Error);
      connection.isOver = true;
      return;
    }
    // MQTT.js watches over this time itself: this is for the case that its own clean-up does not get through.
    connection.expect(settings.connectTimeoutMs + CLOSE_TIMEOUT_MS, () => this.giveUp(connection, 'no answer'));
    await connection.closed;
    connection.relax();
    this.#isLeaving = false;
  }

  /** Nothing is read for now. */
  paused(): void {
    this.#handshake?.paused();
  }

  /** It is read on. */
  resumed(): void {
    this.#connection?.deadline?.refresh();
  }

  /** What is wanted may be something else now. */
  resubscribe(): void {
    if (this.#connection && !this.#connection.isOver) this.#handshake?.resubscribe();
  }

  giveUp(connection: Connection, reason?: string): void {
    const client = this.#client;
    if (connection.isOver) return;
    connection.givenUpFor = reason;
    this.#leave(connection);
    client?.stream?.destroy();
    connection.expect(CLOSE_TIMEOUT_MS, () => {
      this.#parts.logger.debug('the MQTT client does not close its connection: it is replaced');
      this.#abandon(client, connection);
    });
  }

  /** Lets what is on the wire arrive, says goodbye, and ends the connection for another one with other settings. */
  async leave(connection: Connection): Promise<void> {
    const { publisher, logger } = this.#parts;
    if (this.#isLeaving) return;
    this.#isLeaving = true;
    await publisher.idle(FAREWELL_TIMEOUT_MS);
    if (connection.isOver || this.#isEnding) return;
    const known = publisher.isIdle ? this.#known : undefined;
    logger.info(`leaving ${formatBrokerAddress(connection.attempt.address)}: its settings were changed`);
    const client = this.#client;
    this.#leave(connection);
    this.#known = known;
    client?.end();
    connection.expect(DISCONNECT_TIMEOUT_MS, () => {
      client?.stream?.destroy();
      this.#abandon(client, connection);
    });
  }

  /** A client that is no longer used takes with it what it was to deliver. */
  discard(): void {
    const client = this.#client;
    this.#client = undefined;
    // What was under way in the session is sent anew, and the broker has to release the rest first.
    if (!this.#parts.publisher.isIdle) this.#known = undefined;
    this.#parts.publisher.closed(undefined, false);
    // Its timers would outlive it; of what it still has to say nothing is heard.
    if (client?.stream) client.end(true);
  }

  /**
   * Says goodbye, for good; or, to a broker that has not yet been in use, nothing.
   *
   * @param ended what ends when the connection did
   */
  async end(wasUp: boolean, ended: Promise<void> | undefined): Promise<void> {
    const { inbound, publisher, subscriptions } = this.#parts;
    const [connection, client] = [this.#connection, this.#client];
    this.#isEnding = true;
    inbound.stop();
    subscriptions.closed();
    publisher.stop(client);
    if (!connection) return;
    // A broker that hangs would hold a polite end for ever.
    let timer = setTimeout(() => {
      client?.stream?.destroy();
      timer = setTimeout(connection.close, DISCONNECT_TIMEOUT_MS);
    }, DISCONNECT_TIMEOUT_MS);
    if (wasUp) client?.end();
    else this.giveUp(connection);
    await ended;
    clearTimeout(timer);
    if (client === this.#client) this.discard();
  }

  /** Nobody waits any more for a client to say that its connection is closed. */
  #abandon(client: MqttClient | undefined, connection: Connection): void {
    if (client === this.#client) this.discard();
    connection.close();
  }

  #createClient({ attempt }: Connection, options: MQTTConnectorOptions, settings: ConnectorSettings): MqttClient {
    const isPresent = () => client === this.#client;
    const client = createClient(options, settings, attempt, {
      connection: () => (isPresent() && !this.#connection?.isOver ? this.#connection : undefined),
      accepted: (connection, packet) => this.#accepted(client, connection, settings, packet),
      established: () => this.#handshake?.adoptSession(),
      answered: () => this.#parts.publisher.answered(),
      broken: (connection) => this.giveUp(connection),
      closed: () => {
        if (!isPresent() || !this.#connection) return;
        this.#leave(this.#connection);
        this.#connection.close();
      },
    });
    this.#parts.inbound.attach(client);
    return client;
  }

  #accepted(client: MqttClient, connection: Connection, settings: ConnectorSettings, packet: IConnackPacket): void {
    this.#parts.onAccepted();
    this.#handshake = new Handshake({
      ...this.#parts,
      connection,
      client,
      settings,
      knownSession: this.#known,
      isContested: this.#parts.isContested(),
      outage: this.#parts.outage(),
      onSession: () => {
        this.#known = sessionOf(connection, settings.clientId);
      },
      onUp: () => this.#parts.onUp(connection),
      giveUp: (reason) => this.giveUp(connection, reason),
    });
    this.#handshake.accepted(packet);
    // What was known of another session is forgotten now, even if this connection does not come to know its own.
    if (!connection.isResumed) this.#known = undefined;
  }

  /** The connection is not to be used any more. */
  #leave(connection: Connection): void {
    if (connection.isOver) return;
    const { inbound, publisher, subscriptions, onLeft } = this.#parts;
    connection.isOver = true;
    connection.relax();
    inbound.closed();
    subscriptions.closed();
    const mayResume = this.#outlivesConnections && !this.#isEnding && !connection.isReplaced;
    const isKnown = publisher.closed(this.#client, mayResume);
    if (!isKnown) this.#known = undefined;
    if (!this.#isEnding) onLeft();
  }
}
