import { type BusAddress, busAddress, ConfigurationFile } from '@cstbox/dbus-bus';
import { describeError } from '@cstbox/mqtt-core';
import { findConfiguration } from './command-line.js';

/** Where a command looks for the gateway that runs. */
export interface GatewayAddress {
  readonly address: BusAddress;
  /** Why the configuration had no say in it; `undefined` when it had. */
  readonly doubt: string | undefined;
}

/**
 * The bus of the gateway: the one of the section `dbus` of its configuration, else the one that the environment or a CSTBox
 * names. A configuration that is missing or wrong elsewhere keeps nobody from asking how the gateway is.
 *
 * @throws {ConfigurationError} when the address that is given can't be used
 */
export function gatewayAddress(
  configurationPath: string,
  environment: Readonly<Record<string, string | undefined>>,
): GatewayAddress {
  try {
    const file = ConfigurationFile.read(findConfiguration(configurationPath), { environment });
    const { dbus } = Object(file.content) as { dbus?: unknown };
    const { address, address_file: addressFile } = Object(dbus) as Record<string, unknown>;
    const section = {
      ...(typeof address === 'string' && { address }),
      ...(typeof addressFile === 'string' && { address_file: file.resolve(addressFile) }),
    };
    return { address: busAddress(section, environment), doubt: undefined };
  } catch (error) {
    return { address: busAddress(undefined, environment), doubt: describeError(error) };
  }
}
