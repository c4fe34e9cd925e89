import { connect, type IConnackPacket, type MqttClient, ReasonCodes } from 'mqtt';
import type { Connection } from './connection.js';
import {
  type ConnectorSettings,
  connectAnnouncing,
  type MQTTConnectorOptions,
  pointAt,
  toClientOptions,
} from './connector-options.js';
import { ACKNOWLEDGED_LATER } from './inbound-flow.js';
import { PacketIdentifiers } from './packet-identifiers.js';
import { PacketSizes } from './packet-sizes.js';
import type { Attempt } from './reconnect-schedule.js';

/** What happens to the connection of an MQTT.js client. */
export interface ClientListener {
  /** The present connection, as long as it is this client's and still wanted. */
  readonly connection: () => Connection | undefined;
  /** The broker accepted it. */
  accepted(connection: Connection, packet: IConnackPacket): void;
  /** MQTT.js has done what it does at first. */
  established(connection: Connection): void;
  /** A step of a QoS 2 delivery was answered. */
  answered(connection: Connection): void;
  /** It is of no use any more. */
  broken(connection: Connection): void;
  /** The socket is closed. */
  closed(): void;
}

/** Makes an MQTT.js client, which connects again and again, to a broker of the same settings. */
export function createClient(
  options: MQTTConnectorOptions,
  settings: ConnectorSettings,
  { address }: Attempt,
  listener: ClientListener,
): MqttClient {
  const clientOptions = toClientOptions(options, settings);
  pointAt(clientOptions, address, 5);
  const client = connect({ ...clientOptions, messageIdProvider: new PacketIdentifiers() });
  const step = (action: (connection: Connection) => void) => {
    const connection = listener.connection();
    if (connection) action(connection);
  };
  client.on('packetreceive', (packet) =>
    step((connection) => {
      if (packet.cmd === 'connack') hearConnack(connection, packet, listener);
      // Deliveries of an earlier connection go on one after the other before the subscriptions: each is progress.
      else if (packet.cmd === 'pubrec' || packet.cmd === 'pubcomp') {
        connection.deadline?.refresh();
        listener.answered(connection);
        if (packet.cmd === 'pubcomp' && packet.messageId) connection.orphans?.completed(packet.messageId);
      }
    }),
  );
  client.on('connect', () => step((connection) => listener.established(connection)));
  client.on('disconnect', ({ reasonCode }) =>
    step((connection) => {
      connection.reasonCode = reasonCode;
      connection.reason = `ended the connection: ${ReasonCodes[reasonCode as keyof typeof ReasonCodes] ?? reasonCode}`;
      listener.broken(connection);
    }),
  );
  client.on('error', (error) => {
    if (error === ACKNOWLEDGED_LATER) return;
    step((connection) => {
      connection.fail(error);
      listener.broken(connection);
    });
  });
  client.on('close', () => listener.closed());
  return client;
}

/**
 * Has a client connect.
 *
 * @param onTooLarge called when the broker sends a packet that is not to be read
 * @throws {Error} what keeps MQTT.js from trying
 */
export function openConnection(
  client: MqttClient,
  connection: Connection,
  { maxPacketBytes, connectTimeoutMs }: ConnectorSettings,
  onTooLarge: (reason: string) => void,
): void {
  const { address, version } = connection.attempt;
  pointAt(client.options, address, version);
  client.options.connectTimeout = connectTimeoutMs;
  connectAnnouncing(client, maxPacketBytes);
  connection.watch(client.stream);
  // MQTT.js stores a packet up, whatever its size.
  const sizes = new PacketSizes(maxPacketBytes);
  client.stream.on('data', (chunk: Uint8Array) => {
    const size = sizes.beyondLimit(chunk);
    if (size === undefined) return;
    onTooLarge(`the broker sent a packet of ${size} bytes, and maxPacketBytes is ${maxPacketBytes}`);
  });
}

function hearConnack(connection: Connection, packet: IConnackPacket, listener: ClientListener): void {
  const code = (connection.attempt.version === 5 ? packet.reasonCode : packet.returnCode) ?? 0;
  if (code !== 0) connection.reasonCode = code;
  else if (connection.acceptedAt === undefined) listener.accepted(connection, packet);
}
