import {
  ConfigurationError,
  type ConfigurationProblem,
  describeError,
  MQTTConnector,
  type TLSOptions,
} from '@cstbox/mqtt-core';
import { readRegularFile } from './regular-file.js';

/** The section `tls` of a configuration: paths of PEM files. */
export interface TLSFiles {
  /** Authorities to trust. Default: those that Node.js ships. */
  ca_certs?: string | undefined;
  /** The client's certificate; needs `keyfile`. */
  certfile?: string | undefined;
  /** The key of the client's certificate, without a passphrase. */
  keyfile?: string | undefined;
}

/** The connector's options, and the keys of the section that they come from. */
const KEYS = { ca: 'ca_certs', cert: 'certfile', key: 'keyfile' } as const;

/**
 * Reads the files of a section, and checks that they are what they should be.
 *
 * @throws {ConfigurationError} with every problem, each with its path from the root of the configuration
 */
export function readTlsFiles(files: TLSFiles): TLSOptions {
  const options: TLSOptions = {};
  const problems: ConfigurationProblem[] = [];
  for (const option of ['ca', 'cert', 'key'] as const) {
    const path = files[KEYS[option]];
    if (path === undefined) continue;
    try {
      options[option] = readRegularFile(path);
    } catch (error) {
      problems.push({ path: ['tls', KEYS[option]], message: `can't read ${path}: ${reasonOf(error)}` });
    }
  }
  if (problems.length > 0) throw new ConfigurationError(problems);
  try {
    // Nothing is connected: the connector checks what it is given.
    new MQTTConnector({ broker: 'mqtts://localhost', tls: options });
  } catch (error) {
    throw error instanceof ConfigurationError ? inTermsOfFiles(error, files) : error;
  }
  return options;
}

function inTermsOfFiles({ problems, cause }: ConfigurationError, files: TLSFiles): ConfigurationError {
  const translated = problems.map(({ path, message }) => {
    const key = KEYS[path[1] as keyof typeof KEYS];
    return { path: ['tls', key], message: `${files[key]}: ${message}` };
  });
  return new ConfigurationError(translated, { cause });
}

/** What the system says of a file that can't be read, without the path that is named already. */
export function reasonOf(error: unknown): string {
  return describeError(error).replace(/, \w+ '.*'$|, \w+$/s, '');
}
