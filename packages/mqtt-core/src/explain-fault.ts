import type { BrokerAddress } from './broker-address.js';
import { describeError } from './logger.js';

/** What lies behind the usual errors of an attempt to connect, and what to look at; in the order of trying. */
const HINTS: readonly (readonly [pattern: RegExp, hint: (address: BrokerAddress) => string])[] = [
  [/ECONNREFUSED/, () => 'nothing listens there: is the broker running, is the port right?'],
  [/ENOTFOUND|EAI_AGAIN/, ({ host }) => `the name '${host}' does not resolve`],
  [
    /ETIMEDOUT|EHOSTUNREACH|ENETUNREACH|connack timeout/,
    () => 'no answer: is the address right, is a firewall in between?',
  ],
  [/not authorized|bad user ?name or password/i, () => 'check user name and password'],
  [/refused: banned/i, () => 'the broker has this client on a list of unwanted ones'],
  [/identifier (rejected|not valid)/i, () => 'the broker does not take this client id'],
  [/alert number 116|certificate required/i, () => 'the broker wants a client certificate'],
  [/alert number 4[2-9]|unknown ca/i, () => "the broker does not accept the client's certificate"],
  [
    /certificate has expired|CERT_HAS_EXPIRED/i,
    () => "the broker's certificate is out of date, or this machine's clock is wrong",
  ],
  [/altnames|ERR_TLS_CERT_ALTNAME_INVALID/i, ({ host }) => `the broker's certificate is not for '${host}'`],
  [
    /self.signed|unable to (get|verify)|UNABLE_TO/i,
    () => "the broker's certificate is not trusted: name the authority that issued it",
  ],
  [/Invalid header|Invalid (protocol|length|topic)|Malformed/i, () => 'does the broker speak MQTT on this port?'],
  [/wrong version number|packet length too long|record overflow/i, () => 'there is no TLS on this port'],
  [/Unexpected server response|Invalid WebSocket|Parse Error/i, () => 'there is no MQTT over WebSocket at this URL'],
  [
    /ECONNRESET|socket hang up|disconnected before secure/i,
    ({ protocol }) =>
      protocol === 'mqtt'
        ? 'does the broker want TLS on this port?'
        : 'does the broker speak this protocol on this port?',
  ],
];

/** Refusals that time does not heal: of the client's identifier, its login, its address (both versions' codes). */
const LASTING_REFUSALS: ReadonlySet<number> = new Set([2, 4, 5, 133, 134, 135, 138, 140]);
/** The broker does not speak this version. A broker that knows 3.1.1 alone answers 1, whatever it was asked in. */
const VERSION_REFUSALS: ReadonlySet<number> = new Set([1, 132]);

/** What the code of a refusing CONNACK means for the next attempt (MQTT 5, section 3.2.2.2; 3.1.1, section 3.2.2.3). */
export function kindOfRefusal(code: number): 'version_refused' | 'refused' | 'unreachable' {
  if (VERSION_REFUSALS.has(code)) return 'version_refused';
  return LASTING_REFUSALS.has(code) ? 'refused' : 'unreachable';
}

/** An error of an attempt to connect, in one line: what happened, and what to look at. */
export function explainFault(error: unknown, address: BrokerAddress): string {
  const text = describeError(error).replace(/\s+/g, ' ').trim();
  const code = (error as { code?: unknown } | null)?.code;
  const hint = HINTS.find(([pattern]) => pattern.test(`${text} ${String(code)}`))?.[1](address);
  // OpenSSL's own words name files of its sources: the hint says more.
  const plain = text.replace(/^[0-9A-F]+:error:[0-9A-F]*:([^:]*:){2}.*?:(?=[^:]*$)/, 'TLS: ');
  return hint ? `${plain} (${hint})` : plain;
}
