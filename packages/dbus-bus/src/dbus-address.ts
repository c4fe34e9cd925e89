import { ConfigurationError } from '@cstbox/mqtt-core';

/** Where a bus listens, as `net.connect` takes it. */
export type SocketAddress = { readonly path: string } | { readonly host: string; readonly port: number };

/**
 * Reads a D-Bus server address (D-Bus specification, "Server Addresses"): one or more of `unix:path=…`,
 * `unix:abstract=…`, `unix:runtime=yes` and `tcp:host=…,port=…`, separated by `;`, to be tried in order.
 *
 * @throws {ConfigurationError} when none of them can be used here, saying why for each
 */
export function parseDBusAddress(text: string): SocketAddress[] {
  const usable: SocketAddress[] = [];
  const faults: string[] = [];
  for (const part of text.split(';').filter((each) => each !== '')) {
    const result = parseOne(part);
    if (typeof result === 'string') faults.push(`'${part}': ${result}`);
    else usable.push(result);
  }
  if (usable.length > 0) return usable;
  throw new ConfigurationError(
    `no usable D-Bus address${faults.length > 0 ? `: ${faults.join('; ')}` : ' given'}; one is like 'unix:path=/run/cstbox/bus'`,
  );
}

function parseOne(text: string): SocketAddress | string {
  const [transport, rest = ''] = splitOnce(text, ':');
  const keys = new Map(rest.split(',').map((pair) => splitOnce(pair, '=').map(decodeValue) as [string, string]));
  switch (transport) {
    case 'unix': {
      const path = keys.get('path');
      if (path) return { path };
      const abstract = keys.get('abstract');
      if (abstract) {
        return abstractSocketsWork()
          ? { path: `\0${abstract}` }
          : 'abstract sockets need Node.js 22 or newer (or a bus that listens on unix:path)';
      }
      if (keys.get('runtime') === 'yes') {
        const directory = process.env.XDG_RUNTIME_DIR;
        return directory ? { path: `${directory}/bus` } : 'unix:runtime=yes needs XDG_RUNTIME_DIR';
      }
      return 'a unix address needs path, abstract or runtime=yes';
    }
    case 'tcp': {
      const port = Number(keys.get('port'));
      if (!Number.isInteger(port) || port < 1 || port > 65_535) return 'a tcp address needs a port';
      return { host: keys.get('host') ?? 'localhost', port };
    }
    default:
      return `the transport '${transport}' is not supported (unix and tcp are)`;
  }
}

/** Node.js 20 ends a socket's path at the leading NUL that marks it as abstract. */
function abstractSocketsWork(): boolean {
  return Number.parseInt(process.versions.node, 10) >= 22;
}

function splitOnce(text: string, separator: string): [string, string?] {
  const index = text.indexOf(separator);
  return index < 0 ? [text] : [text.slice(0, index), text.slice(index + separator.length)];
}

/** Values are escaped byte by byte, as in a URL. */
function decodeValue(value = ''): string {
  try {
    return decodeURIComponent(value);
  } catch {
    return value;
  }
}
