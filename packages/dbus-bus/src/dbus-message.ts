import { MQTTGatewayError } from '@cstbox/mqtt-core';

/** D-Bus specification, "Message Types". */
export const MessageType = { METHOD_CALL: 1, METHOD_RETURN: 2, ERROR: 3, SIGNAL: 4 } as const;
/** D-Bus specification, "Message Flags": the caller waits for no reply. */
export const NO_REPLY_EXPECTED = 1;

/** A message as it travels on the bus. */
export interface DBusMessage {
  readonly type: (typeof MessageType)[keyof typeof MessageType];
  readonly flags?: number;
  readonly serial?: number;
  readonly replySerial?: number;
  readonly sender?: string;
  readonly destination?: string;
  readonly path?: string;
  readonly interface?: string;
  readonly member?: string;
  readonly errorName?: string;
  readonly signature?: string;
  readonly body?: readonly unknown[];
}

/** A method call. */
export interface DBusCall {
  destination: string;
  path: string;
  interface: string;
  member: string;
  signature?: string;
  body?: readonly unknown[];
  /** How long to wait for the reply, in ms; Infinity: as long as the peer is there. Default: 5,000. */
  timeoutMs?: number;
}

/** The peer answered a call with an error. */
export class DBusCallError extends MQTTGatewayError {
  constructor(
    /** The error's name on the bus, such as `org.freedesktop.DBus.Error.UnknownMethod`. */
    readonly errorName: string,
    message: string,
  ) {
    super(NOBODY_THERE.has(errorName) ? 'bus_unreachable' : 'bus_refused', `${errorName}: ${message}`);
  }
}

/** Answers of the daemon on behalf of a peer that is not there. */
const NOBODY_THERE = new Set([
  'org.freedesktop.DBus.Error.ServiceUnknown',
  'org.freedesktop.DBus.Error.NameHasNoOwner',
  'org.freedesktop.DBus.Error.NoReply',
  'org.freedesktop.DBus.Error.Disconnected',
]);
