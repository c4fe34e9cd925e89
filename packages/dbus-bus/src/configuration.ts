import {
  ConfigurationError,
  type ConfigurationProblem,
  describeError,
  parseBrokerAddress,
  type QoS,
  topicFilterFault,
} from '@cstbox/mqtt-core';
import { distance } from 'fastest-levenshtein';
import * as z from 'zod';
import { ConfigurationFile } from './configuration-file.js';
import { parseDBusAddress } from './dbus-address.js';
import type { TLSFiles } from './tls-files.js';

/** The configuration of the gateway, under the names that it has in the file. */
export interface GatewayConfiguration {
  /** Where the broker is. */
  broker: {
    /** Host name, IP address, or URL (`mqtt://`, `mqtts://`, `ws://`, `wss://`). */
    host: string;
    /** TCP port. Default: 61613 for a host, the scheme's own for a URL. */
    port?: number | undefined;
    /** The client's name at the broker. Default: a random one at each start. */
    client_id?: string | undefined;
  };
  /** Who we are at the broker. Default: nobody. */
  auth?: { username: string; password?: string | undefined } | undefined;
  /** Turns TLS on. Paths are relative to the configuration file. */
  tls?: TLSFiles | undefined;
  /** Topic filters to subscribe to. Default: none. */
  listened_topics: string[];
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
  /** What may cross. A direction that is left out is closed. */
  filters?: { inbound?: FilterSection | undefined; outbound?: FilterSection | undefined } | undefined;
}

/** A configuration as it may be given: what has a default may be left out. */
export type GatewayConfigurationInput = Omit<GatewayConfiguration, 'listened_topics' | 'qos'> &
  Partial<Pick<GatewayConfiguration, 'listened_topics' | 'qos'>>;

/** A filter and what it is told. */
export interface FilterSection {
  /** Name of a package, or path of a module relative to the configuration file. */
  use: string;
  /** What the filter takes; see its own documentation. */
  [option: string]: unknown;
}

const text = (what: string) => z.string(`expected ${what}`).min(1, `expected ${what}, not an empty text`);

/** Takes what a function takes that throws when it does not like its argument. */
const check = (parse: (value: string) => unknown) => (value: string, context: { addIssue(message: string): void }) => {
  const fault = faultOf(() => parse(value));
  if (fault) context.addIssue(fault);
};

function faultOf(parse: () => unknown): string | undefined {
  try {
    parse();
    return undefined;
  } catch (error) {
    return describeError(error);
  }
}

const filterSection = z.looseObject(
  { use: text("a package's name, or a path like './my-filter.js'") },
  'expected a section with use',
);

const shape = z.strictObject(
  {
    broker: z.strictObject(
      {
        host: z
          .string("expected the broker's host name, IP address or URL")
          .superRefine(check((host) => parseBrokerAddress(host, undefined, false))),
        port: z
          .int('expected a port, an integer from 1 to 65535')
          .min(1, 'expected a port, an integer from 1 to 65535')
          .max(65_535, 'expected a port, an integer from 1 to 65535')
          .optional(),
        client_id: text('a text').optional(),
      },
      'expected a section with the host of the broker',
    ),
    auth: z
      .strictObject(
        { username: text('a user name'), password: z.string('expected a text').optional() },
        'expected a section with username',
      )
      .optional(),
    tls: z
      .strictObject(
        {
          ca_certs: text('the path of a file').optional(),
          certfile: text('the path of a file').optional(),
          keyfile: text('the path of a file').optional(),
        },
        'expected a section; {} turns TLS on',
      )
      .superRefine(({ certfile, keyfile }, context) => {
        const alone = certfile === undefined ? 'keyfile' : 'certfile';
        if ((certfile === undefined) !== (keyfile === undefined)) {
          const message = `${alone} needs ${alone === 'keyfile' ? 'certfile' : 'keyfile'} beside it`;
          context.addIssue({ code: 'custom', message, path: [alone] });
        }
      })
      .optional(),
    listened_topics: z
      .array(
        z.string('expected a topic filter').superRefine((topic, context) => {
          const fault = topicFilterFault(topic);
          if (fault) context.addIssue(`invalid topic filter: ${fault}`);
        }),
        'expected a list of topic filters',
      )
      .default([]),
    qos: z.literal([0, 1, 2], 'expected 0, 1 or 2').default(1),
    dbus: z
      .strictObject(
        {
          address: text("a D-Bus address like 'unix:path=/run/cstbox/bus'")
            .superRefine(check(parseDBusAddress))
            .optional(),
          address_file: text('the path of a file').optional(),
        },
        'expected a section',
      )
      .superRefine(({ address, address_file }, context) => {
        if (address === undefined || address_file === undefined) return;
        const message = 'address and address_file exclude each other: leave one out';
        context.addIssue({ code: 'custom', message, path: ['address_file'] });
      })
      .optional(),
    filters: z
      .strictObject(
        { inbound: filterSection.optional(), outbound: filterSection.optional() },
        'expected a section with inbound, outbound or both',
      )
      .optional(),
  },
  'expected a configuration: a JSON or YAML object',
);

const schema = shape.superRefine(({ broker, tls }, context) => {
  if (tls === undefined) return;
  const fault = faultOf(() => parseBrokerAddress(broker.host, undefined, true));
  if (fault) context.addIssue({ code: 'custom', message: fault, path: ['broker', 'host'] });
});

/**
 * Checks a configuration and fills in the defaults.
 *
 * @throws {ConfigurationError} with every problem, each with its path
 */
export function checkConfiguration(content: unknown): GatewayConfiguration {
  const result = schema.safeParse(content, { reportInput: true });
  if (result.success) return result.data;
  throw new ConfigurationError(result.error.issues.flatMap(explain));
}

/**
 * Reads a configuration file, JSON or YAML. Relative paths in it become absolute.
 *
 * @throws {ConfigurationError} with every problem, each with line and column
 */
export function loadConfiguration(path: string): GatewayConfiguration {
  return checkFile(ConfigurationFile.read(path));
}

/**
 * Checks a file that was read. Relative paths in it become absolute.
 *
 * @throws {ConfigurationError} with every problem, each with line and column
 */
export function checkFile(file: ConfigurationFile): GatewayConfiguration {
  try {
    const configuration = checkConfiguration(file.content);
    const { tls, dbus } = configuration;
    return {
      ...configuration,
      ...(tls && { tls: resolveTls(tls, file) }),
      ...(dbus?.address_file !== undefined && { dbus: { ...dbus, address_file: file.resolve(dbus.address_file) } }),
    };
  } catch (error) {
    throw error instanceof ConfigurationError ? file.locate(error) : error;
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
