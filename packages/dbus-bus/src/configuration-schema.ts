import { describeError, parseBrokerAddress, topicFilterFault } from '@cstbox/mqtt-core';
import * as z from 'zod';
import { parseDBusAddress } from './dbus-address.js';

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

/** Ages may be years; what a timer counts, as the other durations, may not be more than 24 days. */
const age = z.number('expected a number of seconds above 0').positive('expected a number of seconds above 0');

/** Durations are seconds in the file, as in the original; a fraction is one too. */
const seconds = z
  .number('expected a number of seconds above 0')
  .positive('expected a number of seconds above 0')
  .max(2_000_000, 'expected at most 2,000,000 seconds');

const integer = (what: string, min: number, max: number) => {
  const range = max === Number.MAX_SAFE_INTEGER ? `an integer from ${min} on` : `an integer from ${min} to ${max}`;
  const message = `expected ${what}, ${range}`;
  return z.int(message).min(min, message).max(max, message);
};

const host = z
  .string("expected the broker's host name, IP address or URL")
  .superRefine(check((address) => parseBrokerAddress(address, undefined, false)));

const filterSection = z.looseObject(
  { use: text("a package's name, or a path like './my-filter.js'") },
  'expected a section with use',
);

/** One filter, or several that are asked one after the other. */
const filterSections = z.union([filterSection, z.array(filterSection).min(1, 'expected at least one filter')], {
  error: 'expected a section with use, or a list of such sections',
});

/** What a configuration looks like. */
export const shape = z.strictObject(
  {
    $schema: z.string('expected the address of a JSON Schema').optional(),
    broker: z.strictObject(
      {
        host: z.union([host, z.array(host).min(1, 'expected at least one broker')], {
          error: "expected the broker's host name, IP address or URL, or a list of them",
        }),
        port: integer('a port', 1, 65_535).optional(),
        client_id: text('a text').optional(),
        protocol: z
          .literal(['auto', '5', '3.1.1', 5], 'expected auto, 5 or 3.1.1')
          // In YAML, 5 is a number and 3.1.1 a text.
          .transform((version) => (version === 5 ? '5' : version))
          .optional(),
        keep_alive: integer('a number of seconds', 0, 65_535).optional(),
        connect_timeout: seconds.optional(),
        ack_timeout: seconds.optional(),
        retry: z
          .strictObject({ min: seconds.optional(), max: seconds.optional() }, 'expected a section with min and max')
          .superRefine(({ min = 1, max = 30 }, context) => {
            if (min <= max) return;
            const path = [context.value.max === undefined ? 'min' : 'max'];
            context.addIssue({ code: 'custom', message: `retry.min (${min}) is above retry.max (${max})`, path });
          })
          .optional(),
        session_expiry: integer('a number of seconds', 0, 0xffff_ffff).optional(),
      },
      'expected a section with the host of the broker',
    ),
    auth: z
      .strictObject(
        {
          username: text('a user name'),
          password: z.string('expected a text').optional(),
          password_file: text('the path of a file').optional(),
        },
        'expected a section with username',
      )
      .superRefine(({ password, password_file }, context) => {
        if (password === undefined || password_file === undefined) return;
        const message = 'password and password_file exclude each other: leave one out';
        context.addIssue({ code: 'custom', message, path: ['password_file'] });
      })
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
      .optional(),
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
    outbox: z
      .strictObject(
        {
          durability: z.literal(['memory', 'spill', 'always'], "expected 'memory', 'spill' or 'always'").optional(),
          directory: text('the path of a directory').optional(),
          max_messages: integer('a number of messages', 1, Number.MAX_SAFE_INTEGER).optional(),
          max_bytes: integer('a number of bytes', 1, Number.MAX_SAFE_INTEGER).optional(),
          max_age: age.optional(),
          give_up: z.literal(['oldest', 'newest'], "expected 'oldest' or 'newest'").optional(),
          commit_interval: seconds.optional(),
          spill_after: seconds.optional(),
        },
        'expected a section',
      )
      .optional(),
    commands: z
      .strictObject(
        {
          retained: z.literal(['ignore', 'accept'], "expected 'ignore' or 'accept'").optional(),
          max_age: age.optional(),
          timestamp_field: text('the name of a field').optional(),
          id_field: text('the name of a field').optional(),
        },
        'expected a section',
      )
      .optional(),
    shutdown_timeout: seconds.optional(),
    filter_timeout: seconds.optional(),
    max_hops: integer('a number of gateways', 1, 1_000_000).optional(),
    simulate: z.boolean('expected true or false').optional(),
    filters: z
      .strictObject(
        { inbound: filterSections.optional(), outbound: filterSections.optional() },
        'expected a section with inbound, outbound or both',
      )
      .optional(),
  },
  'expected a configuration: a JSON or YAML object',
);

/** What a configuration looks like, with what its parts demand of each other. */
export const schema = shape.superRefine(({ broker, tls }, context) => {
  if (tls === undefined) return;
  for (const [index, address] of [broker.host].flat().entries()) {
    const fault = faultOf(() => parseBrokerAddress(address, undefined, true));
    const path = Array.isArray(broker.host) ? ['broker', 'host', index] : ['broker', 'host'];
    if (fault) context.addIssue({ code: 'custom', message: fault, path });
  }
});
