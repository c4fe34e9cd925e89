/** The state of the link to the broker. */
export type LinkState = 'idle' | 'connecting' | 'connected' | 'closed';

/** What an operator wants to know of the link to the broker. */
export interface ConnectorStatus {
  readonly state: LinkState;
  /** The broker that is connected, or tried, or to be tried next; a URL without secrets. */
  readonly broker: string;
  /** How it is spoken to. Left out until it has accepted a connection. */
  readonly protocolVersion?: '5' | '3.1.1';
  /** Whether the broker still had the session of an earlier connection. Left out until it has accepted a connection. */
  readonly sessionPresent?: boolean;
  /** When {@link state} was entered, in ms since the Epoch. */
  readonly since: number;
  /** The topic filters whose subscription the broker refused at this connection. Left out when there are none. */
  readonly refusedTopics?: readonly string[];
  /** What is wrong, in one line. Left out when nothing is known to be. */
  readonly fault?: string;
  /** How many attempts to connect were made since there last was a connection. */
  readonly attempts: number;
}
