import type { MqttClient } from 'mqtt';
import { formatBrokerAddress } from './broker-address.js';
import { BrokerSession, type BrokerSessionParts } from './broker-session.js';
import { Connection } from './connection.js';
import { type ConnectorSettings, connectionOf, type MQTTConnectorOptions } from './connector-options.js';
import type { ConnectorStatus } from './connector-status.js';
import { FaultReports } from './fault-reports.js';
import type { LinkStates } from './link-states.js';
import { ReconnectSchedule } from './reconnect-schedule.js';

/** What a {@link BrokerLink} is made of. */
export interface BrokerLinkParts
  extends Pick<BrokerSessionParts, 'publisher' | 'inbound' | 'subscriptions' | 'logger' | 'wanted'> {
  readonly states: LinkStates;
}

/** Keeps up the connection to the broker: makes one, waits for its end, makes another, at one address after the other. */
export class BrokerLink {
  readonly #parts: BrokerLinkParts;
  readonly #session: BrokerSession;
  #options: MQTTConnectorOptions;
  #settings: ConnectorSettings;
  #schedule: ReconnectSchedule;
  readonly #faults: FaultReports;
  #attempts = 0;
  /** Runs out when a connection that is contested has held. */
  #settling: NodeJS.Timeout | undefined;
  #keeping: Promise<void> | undefined;
  /** Ends the pause before the next attempt. */
  #hurry: () => void = () => {};
  #isClosing = false;

  constructor(options: MQTTConnectorOptions, settings: ConnectorSettings, parts: BrokerLinkParts) {
    this.#parts = parts;
    this.#options = options;
    this.#settings = settings;
    this.#session = new BrokerSession({
      ...parts,
      isContested: () => this.#schedule.contested,
      outage: () => this.#faults.outage,
      onAccepted: () => this.#schedule.accepted(),
      onUp: (connection) => this.#up(connection),
      onLeft: () => {
        if (parts.states.current === 'connected') parts.states.enter('connecting');
      },
    });
    this.#faults = new FaultReports(parts.logger, settings.clientId, options.names);
    this.#schedule = this.#makeSchedule();
  }

  /** What to publish with, while there is a connection. */
  get client(): MqttClient | undefined {
    return this.#parts.states.current === 'connected' ? this.#session.client : undefined;
  }

  /** Whether more may be published without storing it up. */
  get isWritable(): boolean {
    const { client } = this;
    return client !== undefined && !this.#session.isLeaving && !client.stream.writableNeedDrain;
  }

  get protocolVersion(): '5' | '3.1.1' | undefined {
    const { accepted } = this.#session;
    return accepted && (accepted.attempt.version === 5 ? '5' : '3.1.1');
  }

  get status(): ConnectorStatus {
    const { states, subscriptions } = this.#parts;
    const { connection, accepted } = this.#session;
    const { address } = connection && !connection.isOver ? connection.attempt : this.#schedule.next;
    const upForMs = performance.now() - (accepted?.acceptedAt ?? 0);
    const isStable = states.current === 'connected' && upForMs >= this.#schedule.stableAfterMs;
    const known = (isStable ? undefined : this.#faults.fault) ?? (accepted && subscriptions.refusal);
    const { protocolVersion } = this;
    return {
      state: states.current,
      broker: formatBrokerAddress(address),
      ...(protocolVersion && { protocolVersion }),
      ...(accepted && { sessionPresent: accepted.sessionPresent }),
      ...(accepted && subscriptions.refused.length > 0 && { refusedTopics: subscriptions.refused }),
      since: states.since,
      ...(known !== undefined && { fault: known }),
      attempts: this.#attempts,
    };
  }

  run(): void {
    this.#parts.states.enter('connecting');
    this.#keeping = this.#keepConnected();
  }

  /** Nothing is read for now. */
  paused(): void {
    this.#session.paused();
  }

  /** It is read on. */
  resumed(): void {
    this.#session.resumed();
  }

  restart(reason: string): void {
    const { connection } = this.#session;
    if (connection && !this.#isClosing) this.#session.giveUp(connection, reason);
  }

  /** Goes on with other settings: over the same connection, if it would be made in the same way. */
  reconfigure(options: MQTTConnectorOptions, settings: ConnectorSettings): void {
    const isSame = connectionOf(options, settings) === connectionOf(this.#options, this.#settings);
    this.#options = options;
    this.#settings = settings;
    if (isSame) {
      this.#schedule.reconfigure(settings.reconnect);
      return this.#session.resubscribe();
    }
    // What was found out of other settings is of no use.
    this.#schedule = this.#makeSchedule();
    this.#faults.reconfigure(settings.clientId);
    this.#attempts = 0;
    const { connection } = this.#session;
    if (connection) {
      connection.isReplaced = true;
      if (this.client) void this.#session.leave(connection);
      else this.#session.giveUp(connection);
    }
    this.#hurry();
  }

  /** Ends the connection, for good. */
  async close(): Promise<void> {
    const { states, logger } = this.#parts;
    const wasUp = states.current === 'connected';
    this.#isClosing = true;
    clearTimeout(this.#settling);
    this.#hurry();
    await this.#session.end(wasUp, this.#keeping);
    const { connection } = this.#session;
    if (wasUp && connection) logger.info(`disconnected from ${formatBrokerAddress(connection.attempt.address)}`);
    states.enter('closed');
  }

  #makeSchedule(): ReconnectSchedule {
    const { addresses, version, reconnect } = this.#settings;
    return new ReconnectSchedule(addresses, version, reconnect);
  }

  async #keepConnected(): Promise<void> {
    while (!this.#isClosing) {
      const connection = new Connection(this.#schedule.next, this.#options.names);
      this.#announce(connection);
      await this.#session.connect(connection, this.#options, this.#settings);
      clearTimeout(this.#settling);
      if (this.#isClosing) return;
      if (!connection.isReplaced) await this.#pauseAfter(connection);
      // The MQTT.js client was made with the settings of before.
      if (connection.isReplaced) this.#session.discard();
    }
  }

  #announce({ attempt }: Connection): void {
    this.#attempts++;
    // Of one that was lost the log says that it is tried again.
    const level = this.#attempts === 1 && this.#faults.outage === '' ? 'info' : 'debug';
    this.#parts.logger[level](`connecting to ${formatBrokerAddress(attempt.address)}`);
  }

  /** Says why a connection ended, and waits until another one may be made. */
  async #pauseAfter(connection: Connection): Promise<void> {
    const waitMs = this.#schedule.ended(connection.end);
    const { next, contested } = this.#schedule;
    if (waitMs === 0 && next.address === connection.attempt.address) {
      this.#parts.logger.debug(`${connection.fault}: trying another version of MQTT`);
    } else {
      this.#faults.report(connection, contested);
    }
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, waitMs);
      this.#hurry = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  #up(connection: Connection): void {
    connection.wasUp = true;
    this.#attempts = 0;
    const { contested, stableAfterMs } = this.#schedule;
    this.#faults.connected(contested);
    if (contested) this.#settling = setTimeout(() => this.#settled(connection), stableAfterMs);
    this.#parts.states.enter('connected');
  }

  /** Of a connection that others were taken from, the log says when it has held for long enough to be kept. */
  #settled({ attempt }: Connection): void {
    const url = formatBrokerAddress(attempt.address);
    this.#parts.logger.info(`the connection to ${url} holds again${this.#faults.outage}`);
    this.#faults.connected(false);
  }
}
