import { ConfigurationError, type ConfigurationProblem } from './errors.js';

/** Where a broker is and how to talk to it. */
export interface BrokerAddress {
  readonly protocol: 'mqtt' | 'mqtts' | 'ws' | 'wss';
  /** Host name or IP address; an IPv6 address without brackets. */
  readonly host: string;
  readonly port: number;
  /** Path of a WebSocket URL. */
  readonly path?: string;
}

/** Schemes that a broker URL may have, and the port that each implies (IANA; RFC 6455 for WebSocket). */
const SCHEMES: Readonly<Record<string, { protocol: BrokerAddress['protocol']; port: number }>> = {
  'mqtt:': { protocol: 'mqtt', port: 1883 },
  'tcp:': { protocol: 'mqtt', port: 1883 },
  'mqtts:': { protocol: 'mqtts', port: 8883 },
  'ssl:': { protocol: 'mqtts', port: 8883 },
  'ws:': { protocol: 'ws', port: 80 },
  'wss:': { protocol: 'wss', port: 443 },
};

/**
 * Reads a host name, an IP address or a URL (`mqtt`, `mqtts`, `ws`, `wss`, or their kin `tcp` and `ssl`).
 *
 * @param broker host or URL
 * @param port for a bare host, or a URL without a port; without either, the scheme's own (1883, 8883, 80, 443)
 * @param tls whether TLS is configured: turns a bare host into `mqtts`, and contradicts `mqtt` and `ws` URLs
 * @throws {ConfigurationError} for anything else, naming what would be right
 */
export function parseBrokerAddress(broker: string, port: number | undefined, tls: boolean): BrokerAddress {
  if (port !== undefined && !(Number.isInteger(port) && port >= 1 && port <= 65_535)) {
    throw new ConfigurationError(`the broker's port is an integer from 1 to 65535, not ${port}`);
  }
  if (!broker.includes('://')) return parseHost(broker, port, tls);

  const url = URL.canParse(broker) ? new URL(broker) : undefined;
  const scheme = url && SCHEMES[url.protocol];
  if (!url || !scheme || url.hostname === '') {
    // The URL may hold a password: it is not repeated here.
    throw new ConfigurationError("a broker URL is like 'mqtt://host:1883', with mqtt, mqtts, ws or wss in front");
  }
  if (url.username || url.password) {
    throw new ConfigurationError('a broker URL holds no user name or password: they have options of their own');
  }
  const { protocol } = scheme;
  if (tls && (protocol === 'mqtt' || protocol === 'ws')) {
    throw new ConfigurationError(`TLS is configured, but the broker URL says ${protocol}://: use ${protocol}s://`);
  }
  const path = protocol === 'ws' || protocol === 'wss' ? { path: url.pathname + url.search } : {};
  if (url.port === '0') throw new ConfigurationError("the broker's port is an integer from 1 to 65535, not 0");
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1');
  return { protocol, host, port: url.port ? Number(url.port) : (port ?? scheme.port), ...path };
}

/**
 * Reads one address, or several that are to be tried in turn, each as {@link parseBrokerAddress} does.
 *
 * @throws {ConfigurationError} for an empty list too; what is wrong in a list is named with its index
 */
export function parseBrokerAddresses(
  brokers: string | readonly string[],
  port: number | undefined,
  tls: boolean,
): readonly BrokerAddress[] {
  if (typeof brokers === 'string') return [parseBrokerAddress(brokers, port, tls)];
  if (brokers.length === 0) throw new ConfigurationError('there is no broker in the list: name at least one');
  const problems: ConfigurationProblem[] = [];
  const addresses = brokers.flatMap((broker, index) => {
    try {
      return parseBrokerAddress(broker, port, tls);
    } catch (error) {
      if (!(error instanceof ConfigurationError)) throw error;
      problems.push(...error.problems.map((problem) => ({ ...problem, path: ['broker', index] })));
      return [];
    }
  });
  if (problems.length > 0) throw new ConfigurationError(problems);
  return addresses;
}

function parseHost(host: string, port: number | undefined, tls: boolean): BrokerAddress {
  if (!/^[A-Za-z0-9._:%-]+$/.test(host)) {
    throw new ConfigurationError(`'${host}' is neither a host name nor a broker URL like 'mqtt://host:1883'`);
  }
  if (/^[^:]+:\d+$/.test(host)) {
    throw new ConfigurationError(`give the port of '${host}' on its own, or write 'mqtt://${host}'`);
  }
  return tls ? { protocol: 'mqtts', host, port: port ?? 8883 } : { protocol: 'mqtt', host, port: port ?? 1883 };
}

/** The address as a URL, for logs: without the query, which may hold a token. */
export function formatBrokerAddress({ protocol, host, port, path = '' }: BrokerAddress): string {
  return `${protocol}://${host.includes(':') ? `[${host}]` : host}:${port}${path.replace(/\?.*/s, '')}`;
}
