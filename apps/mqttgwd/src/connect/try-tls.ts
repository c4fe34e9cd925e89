import { isIP } from 'node:net';
import { checkServerIdentity, connect, type PeerCertificate, type TLSSocket } from 'node:tls';
import type { BrokerAddress, TLSOptions } from '@cstbox/mqtt-core';
import { harmless } from '../terminal.js';
import { type Outcome, StepFault } from './trials.js';
import { type Explain, opened } from './try-network.js';

const DAY_MS = 24 * 3600 * 1000;
/** Less than that is worth a word: somebody has to renew the certificate. */
const SOON_DAYS = 30;

/** Shakes hands, and looks at the certificate of the broker: nothing is sent to one that can't be trusted. */
export async function connectTls(
  address: BrokerAddress,
  tls: TLSOptions,
  explain: Explain,
  signal: AbortSignal,
): Promise<Outcome> {
  const socket = openTls(address, tls, false);
  try {
    await opened(socket, 'secureConnect', signal);
    return judge(socket, address);
  } catch (error) {
    signal.throwIfAborted();
    throw error instanceof StepFault ? error : new StepFault(explain(error));
  } finally {
    socket.destroy();
  }
}

/** @param verify whether a certificate that is not trusted ends the connection */
export function openTls({ host, port }: BrokerAddress, tls: TLSOptions, verify: boolean): TLSSocket {
  const { ca, cert, key } = tls;
  const pem = Object.fromEntries(
    Object.entries({ ca, cert, key }).flatMap(([name, content]) =>
      content === undefined ? [] : [[name, typeof content === 'string' ? content : Buffer.from(content)]],
    ),
  );
  const servername = isIP(host) === 0 ? { servername: host } : {};
  return connect({ host, port, ...servername, ...pem, rejectUnauthorized: verify });
}

function judge(socket: TLSSocket, address: BrokerAddress): Outcome {
  const certificate = socket.getPeerCertificate(true);
  if (certificate.valid_to === undefined) throw new StepFault('the broker shows no certificate');
  const names = namesOf(certificate);
  const [from, to] = [Date.parse(certificate.valid_from), Date.parse(certificate.valid_to)];
  const days = Math.floor((to - Date.now()) / DAY_MS);
  const issuer = harmless(String(certificate.issuer?.CN ?? certificate.issuer?.O ?? 'an authority without a name'));
  const protocol = socket.getProtocol() ?? 'TLS';
  const validFrom = new Date(from).toISOString();
  const validUntil = new Date(to).toISOString();
  const details = { protocol, names, issuer, validFrom, validUntil, daysLeft: days };
  const until = `valid until ${validUntil.slice(0, 10)} (${days} ${days === 1 ? 'day' : 'days'})`;
  const fault = faultOf(socket, certificate, address, { names, issuer, from, to });
  if (fault) throw new StepFault(fault.message, fault.path, details);
  const message = `certificate of ${names.join(', ')}, ${until}, issued by ${issuer}; ${protocol}`;
  if (days >= SOON_DAYS) return { message, details };
  return { outcome: 'warning', message: `${message}: have it renewed soon`, details };
}

interface Known {
  readonly names: readonly string[];
  readonly issuer: string;
  readonly from: number;
  readonly to: number;
}

/** Why the certificate is not good, and what to do; every reason that there is. */
function faultOf(
  { authorizationError }: TLSSocket,
  certificate: PeerCertificate,
  { host }: BrokerAddress,
  { names, issuer, from, to }: Known,
): { message: string; path: readonly string[] } | undefined {
  const faults: { message: string; path: readonly string[] }[] = [];
  const code = String((authorizationError as Error & { code?: string })?.code ?? authorizationError ?? '');
  const now = Date.now();
  const clock = `this machine's clock says ${new Date(now).toISOString().slice(0, 16)}Z`;
  if (now > to) {
    const since = new Date(to).toISOString().slice(0, 10);
    faults.push({
      message: `the certificate is out of date since ${since} (${clock}): have it renewed`,
      path: ['tls'],
    });
  } else if (now < from) {
    const since = new Date(from).toISOString().slice(0, 10);
    faults.push({ message: `the certificate is not valid before ${since} (${clock}): set the clock`, path: ['tls'] });
  } else if (code !== '' && code !== 'ERR_TLS_CERT_ALTNAME_INVALID') {
    const message = `the certificate is not trusted (${code.toLowerCase().replaceAll('_', ' ')}): it was issued by ${issuer}; name the certificate of that authority in tls.ca_certs`;
    faults.push({ message, path: ['tls', 'ca_certs'] });
  }
  if (checkServerIdentity(host, certificate)) {
    const message = `the certificate is for ${names.join(', ')}, not for '${host}': name the broker so, or have one issued for this name`;
    faults.push({ message, path: ['broker', 'host'] });
  }
  const [first] = faults;
  return first && { message: faults.map(({ message }) => message).join('; '), path: first.path };
}

/** The names and addresses that a certificate is for. */
function namesOf({ subject, subjectaltname }: PeerCertificate): string[] {
  const names = (subjectaltname ?? '')
    .split(', ')
    .map((each) => each.replace(/^(DNS|IP Address):/, ''))
    .filter((each) => each !== '');
  const all = names.length > 0 ? names : [subject?.CN ?? 'nobody'].flat();
  return all.map(harmless);
}
