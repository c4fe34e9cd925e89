import { constants, promises } from 'node:fs';
import { ConfigurationError, describeError, MQTTGatewayError } from '@cstbox/mqtt-core';
import { parseDBusAddress } from './dbus-address.js';
import { reasonOf } from './tls-files.js';

/** Where a bus is, as far as anybody knows: asked before each attempt to join it. */
export interface BusAddress {
  /** Who says so, for a log line: `dbus.address`, a variable, a file. */
  readonly origin: string;
  /**
   * The D-Bus server address as of now.
   *
   * @throws {MQTTGatewayError} `bus_unreachable`, when it can't be known now
   */
  read(): Promise<string>;
}

/** The shell file that tells where the bus of a CSTBox is. */
export const CSTBOX_ADDRESS_FILE = '/var/run/cstbox/cstbox-dbus';

const VARIABLE = 'DBUS_SESSION_BUS_ADDRESS';
/** An address has some hundred bytes. Whatever is larger is another file. */
const MAX_FILE_BYTES = 64 * 1024;

/**
 * An address that stays.
 *
 * @throws {ConfigurationError} when it can't be used
 */
export function fixedAddress(address: string, origin: string): BusAddress {
  try {
    parseDBusAddress(address);
  } catch (error) {
    throw new ConfigurationError(`${describeError(error)} (it comes from ${origin})`, { cause: error });
  }
  return { origin, read: async () => address };
}

/**
 * The address that stands in a file, alone or as `DBUS_SESSION_BUS_ADDRESS='…'` among other lines of a shell. The file
 * is read again at each attempt, for whoever starts the bus anew at another address; it is never executed.
 */
export function addressFile(path: string): BusAddress {
  return {
    origin: path,
    async read() {
      const content = await readSmallFile(path);
      const address = addressIn(content);
      if (address !== undefined) return address;
      throw new MQTTGatewayError('bus_unreachable', `${path} names no bus: it holds no line ${VARIABLE}='…'`);
    },
  };
}

/**
 * Where to find the bus: at `address`, else where `address_file` says, else where the environment says, else where a
 * CSTBox says.
 *
 * @param section the section `dbus` of a configuration
 * @throws {ConfigurationError} when the address that is given can't be used
 */
export function busAddress(
  section: { address?: string | undefined; address_file?: string | undefined } | undefined,
  environment: Readonly<Record<string, string | undefined>>,
): BusAddress {
  const { address, address_file: file } = section ?? {};
  if (address !== undefined) return fixedAddress(address, 'dbus.address');
  if (file !== undefined) return addressFile(file);
  const named = environment[VARIABLE];
  return named ? fixedAddress(named, VARIABLE) : addressFile(CSTBOX_ADDRESS_FILE);
}

async function readSmallFile(path: string): Promise<string> {
  try {
    // A pipe that nobody writes to must not hold us up.
    const file = await promises.open(path, constants.O_RDONLY | constants.O_NONBLOCK);
    try {
      const { buffer, bytesRead } = await file.read(Buffer.alloc(MAX_FILE_BYTES), 0, MAX_FILE_BYTES, 0);
      return buffer.toString('utf8', 0, bytesRead);
    } finally {
      await file.close();
    }
  } catch (error) {
    throw new MQTTGatewayError(
      'bus_unreachable',
      `no bus to join: can't read ${path}: ${reasonOf(error)}; is the CSTBox started? ${VARIABLE}, dbus.address or dbus.address_file name another place`,
      { cause: error },
    );
  }
}

/** The address in a file's text: what the last assignment says, or the whole when it is a bare address. */
export function addressIn(content: string): string | undefined {
  const lines = content
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#'));
  const [only, ...others] = lines;
  if (only !== undefined && others.length === 0 && /^[a-z]+:\S*$/.test(only)) return only;
  const assigned = lines.map(assignedIn).filter((value) => value !== undefined);
  return assigned.at(-1);
}

/** The text that a line of a shell assigns; what a shell would have to work out is no text. */
function assignedIn(line: string): string | undefined {
  const match = /(?:^|[\s;])DBUS_SESSION_BUS_ADDRESS=(?:'([^']*)'|"([^"$`\\]*)"|([^\s;'"$`\\]*))(?=[\s;]|$)/.exec(line);
  return match?.[1] ?? match?.[2] ?? match?.[3];
}
