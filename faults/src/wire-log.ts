import type { ProxyTap } from '@cstbox/test-peers';
import mqttPacket, { type IConnectPacket, type IPublishPacket, type Packet, type Parser } from 'mqtt-packet';
import { COMMAND_TOPIC, readContent } from './names.js';

interface Client {
  /** Events on their way to the broker, by packet identifier. */
  readonly events: Map<number, number>;
  /** Commands on their way to the gateway, by packet identifier. */
  readonly commands: Map<number, number>;
}

interface Connection {
  readonly up: Parser;
  readonly down: Parser;
  client: Client;
}

/** Reason codes from here on are refusals (MQTT 5, section 2.4). */
const FIRST_REFUSAL = 0x80;

/**
 * Reads along, between gateway and broker, who acknowledged what: so that what a broker loses after it has acknowledged it
 * is told from what the gateway loses.
 */
export class WireLog implements ProxyTap {
  /** Events that the broker acknowledged for good: PUBACK, or PUBCOMP. */
  readonly acknowledgedEvents = new Set<number>();
  /** Commands that the broker has handed over, and on which connection last. */
  readonly handedCommands = new Map<number, number>();
  /** Commands that the gateway acknowledged (PUBACK, PUBREC), and when. */
  readonly acknowledgedCommands = new Map<number, number>();
  /** When connections ended. */
  readonly breaksMs: number[] = [];
  /** Connections that stand, by their numbers. */
  readonly openConnections = new Set<number>();

  readonly #connections = new Map<number, Connection>();
  readonly #clients = new Map<string, Client>();

  opened(connection: number): void {
    this.openConnections.add(connection);
    const settings: { protocolVersion?: number } = {};
    const parser = (onPacket: (packet: Packet) => void) => {
      const parser = mqttPacket.parser(settings as never);
      parser.on('packet', onPacket);
      parser.on('error', (error: Error) => {
        throw new Error(`no MQTT between gateway and broker: ${error.message}`);
      });
      return parser;
    };
    const state: Connection = {
      up: parser((packet) => {
        if (packet.cmd !== 'connect') return this.#fromGateway(packet, state);
        // The version that the client asks for is that of the answers.
        settings.protocolVersion = packet.protocolVersion ?? 4;
        state.client = this.#clientOf(packet);
      }),
      down: parser((packet) => this.#fromBroker(packet, state, connection)),
      client: { events: new Map(), commands: new Map() },
    };
    this.#connections.set(connection, state);
  }

  toTarget(connection: number, bytes: Buffer): void {
    this.#connections.get(connection)?.up.parse(bytes);
  }

  toClient(connection: number, bytes: Buffer): void {
    this.#connections.get(connection)?.down.parse(bytes);
  }

  closed(connection: number): void {
    this.openConnections.delete(connection);
    this.#connections.delete(connection);
    this.breaksMs.push(performance.now());
  }

  /** What a client has in flight outlives its connections. */
  #clientOf({ clientId }: IConnectPacket): Client {
    const client = this.#clients.get(clientId) ?? { events: new Map(), commands: new Map() };
    this.#clients.set(clientId, client);
    return client;
  }

  #fromGateway(packet: Packet, { client }: Connection): void {
    const messageId = packet.messageId ?? 0;
    if (packet.cmd === 'publish') {
      const content = readContent(packet.payload.toString());
      if (content && packet.qos > 0) client.events.set(messageId, content.number);
    } else if (packet.cmd === 'puback' || packet.cmd === 'pubrec') {
      const number = client.commands.get(messageId);
      if (number !== undefined && !this.acknowledgedCommands.has(number)) {
        this.acknowledgedCommands.set(number, performance.now());
      }
    }
  }

  #fromBroker(packet: Packet, { client }: Connection, connection: number): void {
    const messageId = packet.messageId ?? 0;
    if (packet.cmd === 'connack') {
      // A broker that does not know the session acknowledges nothing of it any more, whatever it says.
      if (!packet.sessionPresent) {
        client.events.clear();
        client.commands.clear();
      }
    } else if (packet.cmd === 'puback' || packet.cmd === 'pubcomp') {
      const number = client.events.get(messageId);
      client.events.delete(messageId);
      if (number !== undefined && (packet.reasonCode ?? 0) < FIRST_REFUSAL) this.acknowledgedEvents.add(number);
    } else if (packet.cmd === 'publish') {
      this.#onCommand(packet, client, connection);
    }
  }

  #onCommand({ topic, payload, qos, messageId = 0 }: IPublishPacket, client: Client, connection: number): void {
    const content = COMMAND_TOPIC.test(topic) ? readContent(payload.toString()) : undefined;
    if (!content) return;
    if (qos > 0) client.commands.set(messageId, content.number);
    this.handedCommands.set(content.number, connection);
  }
}
