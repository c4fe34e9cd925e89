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
  [/identifier rejected/i, () => 'the broker does not take this client id'],
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

/** An error of an attempt to connect, in one line: what happened, and what to look at. */
export function explainFault(error: unknown, address: BrokerAddress): string {
  const text = describeError(error).replace(/\s+/g, ' ').trim();
  const code = (error as { code?: unknown } | null)?.code;
  const hint = HINTS.find(([pattern]) => pattern.test(`${text} ${String(code)}`))?.[1](address);
  // OpenSSL's own words name files of its sources: the hint says more.
  const plain = text.replace(/^[0-9A-F]+:error:[0-9A-F]*:([^:]*:){2}.*?:(?=[^:]*$)/, 'TLS: ');
  return hint ? `${plain} (${hint})` : plain;
}
