import { ConfigurationError, type ConfigurationProblem, type GiveUp, type QoS } from '@cstbox/mqtt-core';
import { distance } from 'fastest-levenshtein';
import * as z from 'zod';
import { ConfigurationFile, type ConfigurationFileOptions } from './configuration-file.js';
import { schema, shape } from './configuration-schema.js';
import type { TLSFiles } from './tls-files.js';

/** The configuration of the gateway, under the names that it has in the file. */
export interface GatewayConfiguration {
  /** The JSON Schema that an editor checks the file by. It means nothing to the gateway. */
  $schema?: string | undefined;
  /** Where the broker is. */
  broker: {
    /** Host name, IP address, or URL (`mqtt://`, `mqtts://`, `ws://`, `wss://`); or several, to be tried in turn. */
    host: string | string[];
    /** TCP port. Default: 61613 for a host, the scheme's own for a URL. */
    port?: number | undefined;
    /** The client's name at the broker. Default: one that is made of this machine's id, the same at each start. */
    client_id?: string | undefined;
    /** The version of MQTT. Default: `auto`, 5 and where the broker refuses that 3.1.1. */
    protocol?: 'auto' | '5' | '3.1.1' | undefined;
    /** Seconds of silence after which the connection is probed; 0 turns it off. Default: 60. */
    keep_alive?: number | undefined;
    /** Seconds that one attempt to connect may take. Default: 10. */
    connect_timeout?: number | undefined;
    /** Seconds that an acknowledgement may take before the connection is replaced. Default: 20. */
    ack_timeout?: number | undefined;
    /** Seconds between two attempts to connect: at first, and at most. Default: 1 and 30. */
    retry?: { min?: number | undefined; max?: number | undefined } | undefined;
    /**
     * Seconds that the broker keeps commands for us while we are away; 0: not at all. Default: 86,400, a day. With MQTT
     * 3.1.1 the broker decides how long.
     */
    session_expiry?: number | undefined;
  };
  /** Who we are at the broker. Default: nobody. */
  auth?:
    | {
        username: string;
        password?: string | undefined;
        /** The file that holds the password, without the newline at its end; in place of `password`. */
        password_file?: string | undefined;
      }
    | undefined;
  /** Turns TLS on. Paths are relative to the configuration file. */
  tls?: TLSFiles | undefined;
  /** Topic filters to subscribe to. Default: what the inbound filters ask for, where they know; an empty list is none. */
  listened_topics?: string[] | undefined;
  /** The QoS to publish and to subscribe with. Default: 1. */
  qos: QoS;
  /** Which bus to join. */
  dbus?:
    | {
        /** A D-Bus server address. Default: what `address_file` says, else `DBUS_SESSION_BUS_ADDRESS`. */
        address?: string | undefined;
        /** The file that says where the bus is; read again whenever the bus is to be joined. */
        address_file?: string | undefined;
      }
    | undefined;
  /** Where messages wait for the broker. */
  outbox?: OutboxSection | undefined;
  /** Which accepted commands are let in all the same, where their rule does not say. */
  commands?: CommandsSection | undefined;
  /** Seconds that a stop gives to what is on its way. Default: 5. */
  shutdown_timeout?: number | undefined;
  /** Seconds that the answer of a filter may take, before its message is refused as `filter_slow`. Default: 1. */
  filter_timeout?: number | undefined;
  /** Through how many gateways a message may have come, beyond which it is refused as `loop`. Default: 8. */
  max_hops?: number | undefined;
  /** Publishes nothing, and logs what would be published. Default: false. */
  simulate?: boolean | undefined;
  /** What may cross. A direction that is left out is closed. Of several filters the first that answers decides. */
  filters?:
    | { inbound?: FilterSection | FilterSection[] | undefined; outbound?: FilterSection | FilterSection[] | undefined }
    | undefined;
}

/** A configuration as it may be given: what has a default may be left out. */
export type GatewayConfigurationInput = Omit<GatewayConfiguration, 'qos'> & Partial<Pick<GatewayConfiguration, 'qos'>>;

/** The section `outbox`. */
export interface OutboxSection {
  /**
   * `memory`: what waits is lost with the process. `spill`: what waits longer is on disk, and all of it at a stop.
   * `always`: everything is on disk before it is published.
   */
  durability?: 'memory' | 'spill' | 'always' | undefined;
  /** Where, unless in memory alone. */
  directory?: string | undefined;
  /** How many messages may wait. */
  max_messages?: number | undefined;
  /** How many bytes of topics and payloads may wait. */
  max_bytes?: number | undefined;
  /** How many seconds a message may wait. Default: for ever. */
  max_age?: number | undefined;
  /** What to give up when too many wait. Default: the oldest. */
  give_up?: GiveUp | undefined;
  /** With `always`: seconds from the first message of a batch to its being on disk. Default: 0.05. */
  commit_interval?: number | undefined;
  /** With `spill`: seconds that a message waits before it goes to disk. Default: 1. */
  spill_after?: number | undefined;
}

/** The section `commands`. */
export interface CommandsSection {
  /** What becomes of a message that the broker kept from earlier. Default: `ignore` for the control channel, else `accept`. */
  retained?: 'ignore' | 'accept' | undefined;
  /** How many seconds old a message may be, by the date in its payload. Default: as old as it likes. */
  max_age?: number | undefined;
  /** The field of a JSON payload that holds the date, in ms since the Epoch. Default: `timestamp`. */
  timestamp_field?: string | undefined;
  /** The user property or field of a JSON payload that tells commands apart. Default: `command_id`. */
  id_field?: string | undefined;
}

/** A filter and what it is told. */
export interface FilterSection {
  /** Name of a package, or path of a module relative to the configuration file. */
  use: string;
  /** What the filter takes; see its own documentation. */
  [option: string]: unknown;
}

/** The keys of a configuration at all levels, as `broker.retry.min`. */
type Keys<T> = T extends readonly unknown[]
  ? never
  : T extends object
    ? { [K in keyof T & string]: K | `${K}.${Keys<NonNullable<T[K]>>}` }[keyof T & string]
    : never;

/** What the schema gives, unless it or the interface has a key that the other lacks. */
type WithKeysOf<T, S> = [Keys<T>, Keys<S>] extends [Keys<S>, Keys<T>] ? S : never;

/**
 * Checks a configuration and fills in the defaults.
 *
 * @throws {ConfigurationError} with every problem, each with its path
 */
export function checkConfiguration(content: unknown): GatewayConfiguration {
  const result = schema.safeParse(content, { reportInput: true });
  if (result.success) return result.data satisfies WithKeysOf<GatewayConfiguration, typeof result.data>;
  throw new ConfigurationError(result.error.issues.flatMap(explain));
}

/**
 * Reads a configuration file, JSON or YAML. Relative paths in it become absolute; `${env:NAME}`, `${credential:NAME}` and what
 * `auth.password_file` names are replaced by what they stand for.
 *
 * @throws {ConfigurationError} with every problem, each with line and column
 */
export function loadConfiguration(path: string, options?: ConfigurationFileOptions): GatewayConfiguration {
  return checkFile(ConfigurationFile.read(path, options));
}

/**
 * Checks a file that was read. Relative paths in it become absolute; what `auth.password_file` names becomes `auth.password`.
 *
 * @throws {ConfigurationError} with every problem, each with line and column
 */
export function checkFile(file: ConfigurationFile): GatewayConfiguration {
  try {
    const configuration = checkConfiguration(file.content);
    if (file.problems.length > 0) throw new ConfigurationError(file.problems);
    const { auth, tls, dbus, outbox } = configuration;
    return {
      ...configuration,
      ...(auth && file.password !== undefined && { auth: { username: auth.username, password: file.password } }),
      ...(tls && { tls: resolveTls(tls, file) }),
      ...(dbus?.address_file !== undefined && { dbus: { ...dbus, address_file: file.resolve(dbus.address_file) } }),
      ...(outbox?.directory !== undefined && { outbox: { ...outbox, directory: file.resolve(outbox.directory) } }),
    };
  } catch (error) {
    if (!(error instanceof ConfigurationError)) throw error;
    const problems = new Set([...file.problems, ...error.problems]);
    throw file.locate(new ConfigurationError([...problems], { cause: error.cause }));
  }
}

/** The section `tls` with absolute paths. */
export function resolveTls(tls: TLSFiles, file: ConfigurationFile): TLSFiles {
  return Object.fromEntries(
    Object.entries(tls).map(([key, path]) => [key, typeof path === 'string' ? file.resolve(path) : path]),
  );
}

function explain(issue: z.core.$ZodIssue): ConfigurationProblem[] {
  const path = issue.path as (string | number)[];
  // Of the alternatives, the one that was meant says more than all together.
  const meant =
    issue.code === 'invalid_union'
      ? issue.errors.find(([first]) => first && (first.code !== 'invalid_type' || first.path.length > 0))
      : undefined;
  if (meant) return meant.flatMap((inner) => explain({ ...inner, path: [...path, ...inner.path] } as z.core.$ZodIssue));
  if (issue.code !== 'unrecognized_keys') {
    const missing = issue.code === 'invalid_type' && issue.input === undefined;
    return [{ path, message: missing ? issue.message.replace(/^expected/, 'missing:') : issue.message }];
  }
  const known = knownKeys(path);
  return issue.keys.map((key) => {
    const nearest = known.toSorted((a, b) => distance(key, a) - distance(key, b))[0];
    const close = nearest !== undefined && distance(key, nearest) <= Math.max(2, nearest.length / 3);
    const remedy = close ? `did you mean '${nearest}'?` : `known here: ${known.join(', ')}`;
    return { path: [...path, key], message: `unknown key '${key}': ${remedy}` };
  });
}

/** The keys that the schema has at a path. */
function knownKeys(path: readonly (string | number)[]): string[] {
  let node: z.ZodType | undefined = shape;
  for (const key of path) node = shapeOf(node)?.[key];
  return Object.keys(shapeOf(node) ?? {});
}

function shapeOf(node: z.ZodType | undefined): Record<string, z.ZodType> | undefined {
  let inner = node;
  while (inner instanceof z.ZodOptional || inner instanceof z.ZodDefault) inner = inner.unwrap() as z.ZodType;
  return inner instanceof z.ZodObject ? inner.shape : undefined;
}
