import type { BrokerAddress } from './broker-address.js';
import { type BrokerCertificate, dates, holders, issuer } from './broker-certificate.js';
import { describeError } from './logger.js';

/** What options are called where they come from, for the words of a fault that one of them mends. */
export interface OptionNames {
  /** Where the broker is. */
  broker: string;
  /** The client's login and its password. */
  login: string;
  /** The authorities to trust. */
  ca: string;
  /** The client's own certificate and its key. */
  certificate: string;
  /** The client's identifier. */
  clientId: string;
}

/** As a program knows them. */
export const PROGRAM_NAMES: OptionNames = {
  broker: 'broker, port',
  login: 'login, password',
  ca: 'tls.ca',
  certificate: 'tls.cert, tls.key',
  clientId: 'clientId',
};

/** What is known of an attempt to connect that failed. */
interface Attempted {
  readonly address: BrokerAddress;
  readonly names: OptionNames;
  /** The certificate that the broker showed, where it did. */
  readonly certificate: BrokerCertificate | undefined;
}

/** What lies behind the usual errors of an attempt to connect, and what to look at; in the order of trying. */
const HINTS: readonly (readonly [pattern: RegExp, hint: (attempted: Attempted) => string])[] = [
  [
    /ECONNREFUSED/,
    ({ names }) => `nothing listens there: is the broker running, is the port right? see ${names.broker}`,
  ],
  [/ENOTFOUND|EAI_AGAIN/, ({ address, names }) => `the name '${address.host}' does not resolve: see ${names.broker}`],
  [
    /ETIMEDOUT|EHOSTUNREACH|ENETUNREACH|connack timeout/,
    ({ names }) => `no answer: is the address right, is a firewall in between? see ${names.broker}`,
  ],
  [/not authorized|bad user ?name or password/i, ({ names }) => `check user name and password: see ${names.login}`],
  [/refused: banned/i, () => 'the broker has this client on a list of unwanted ones'],
  [/identifier (rejected|not valid)/i, ({ names }) => `the broker does not take this client id: see ${names.clientId}`],
  [
    /alert number 116|certificate required/i,
    ({ names }) => `the broker wants a client certificate: see ${names.certificate}`,
  ],
  [
    /alert number 4[2-9]|unknown ca/i,
    ({ names }) => `the broker does not accept the client's certificate: see ${names.certificate}`,
  ],
  [
    /certificate has expired|CERT_HAS_EXPIRED|not yet valid|CERT_NOT_YET_VALID/i,
    ({ certificate }) =>
      `the broker's certificate is out of date${dates(certificate)}, or this machine's clock is wrong: renew it at the broker, or set the clock`,
  ],
  [
    /altnames|ERR_TLS_CERT_ALTNAME_INVALID/i,
    ({ address, names, certificate }) =>
      `the broker's certificate is not for '${address.host}'${holders(certificate)}: see ${names.broker}`,
  ],
  [
    /self.signed|unable to (get|verify)|UNABLE_TO/i,
    ({ names, certificate }) =>
      `the broker's certificate is not trusted: name the authority that issued it${issuer(certificate)}: see ${names.ca}`,
  ],
  [
    /Invalid header|Invalid (protocol|length|topic)|Malformed/i,
    ({ names }) => `does the broker speak MQTT on this port? see ${names.broker}`,
  ],
  [
    /wrong version number|packet length too long|record overflow/i,
    ({ names }) => `there is no TLS on this port: see ${names.broker}`,
  ],
  [
    /Unexpected server response|Invalid WebSocket|Parse Error/i,
    ({ names }) => `there is no MQTT over WebSocket at this URL: see ${names.broker}`,
  ],
  [
    /ECONNRESET|socket hang up|disconnected before secure/i,
    ({ address }) =>
      address.protocol === 'mqtt'
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

/** What else is known where an error is explained. */
export interface FaultContext {
  /** Default: as a program knows them. */
  readonly names?: Partial<OptionNames> | undefined;
  /** What the broker showed, where it did. Default: that of the error, if it has one. */
  readonly certificate?: BrokerCertificate | undefined;
}

/** An error of an attempt to connect, in one line: what happened, and what to look at. */
export function explainFault(
  error: unknown,
  address: BrokerAddress,
  { names, certificate }: FaultContext = {},
): string {
  const text = describeError(error).replace(/\s+/g, ' ').trim();
  const { code, cert } = Object(error) as { code?: unknown; cert?: BrokerCertificate };
  const attempted = { address, names: { ...PROGRAM_NAMES, ...names }, certificate: certificate ?? cert };
  const hint = HINTS.find(([pattern]) => pattern.test(`${text} ${String(code)}`))?.[1](attempted);
  // OpenSSL's own words name files of its sources: the hint says more.
  const plain = text.replace(/^[0-9A-F]+:error:[0-9A-F]*:([^:]*:){2}.*?:(?=[^:]*$)/, 'TLS: ');
  // Node.js lists the names of a certificate in the words of OpenSSL, and the hint in those of people.
  return hint ? `${plain.replace(/(certificate's altnames): .*/, '$1')} (${hint})` : plain;
}
