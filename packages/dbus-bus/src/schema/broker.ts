import { parseBrokerAddress } from '@cstbox/mqtt-core';
import * as z from 'zod';
import { check, exclude, integer, seconds, text } from './kinds.js';

const host = z
  .string("expected the broker's host name, IP address or URL")
  .superRefine(check((address) => parseBrokerAddress(address, undefined, false)));

const retry = z
  .strictObject(
    {
      min: seconds().optional().describe('The first pause, in seconds. Default: 1.'),
      max: seconds().optional().describe('The longest pause, in seconds. Default: 30.'),
    },
    'expected a section with min and max',
  )
  .superRefine(({ min = 1, max = 30 }, context) => {
    if (min <= max) return;
    const path = [context.value.max === undefined ? 'min' : 'max'];
    context.addIssue({ code: 'custom', message: `retry.min (${min}) is above retry.max (${max})`, path });
  });

/** The section `broker`. */
export const broker = z.strictObject(
  {
    host: z
      .union([host, z.array(host).min(1, 'expected at least one broker')], {
        error: "expected the broker's host name, IP address or URL, or a list of them",
      })
      .describe(
        'Host name, IP address, or URL (mqtt://, mqtts://, ws://, wss://) of the broker; or a list of them, to be tried in turn.',
      ),
    port: integer('a port', 1, 65_535)
      .optional()
      .describe("TCP port. Default: 61613 for a host, as in the original; the scheme's own for a URL."),
    client_id: text('a text')
      .optional()
      .describe(
        "The gateway's name at the broker, which keeps commands under it; another at each gateway. Default: one that is made of this machine's id and the list of hosts, the same at each start; a random one where the machine has no id.",
      ),
    protocol: z
      .literal(['auto', '5', '3.1.1', 5], 'expected auto, 5 or 3.1.1')
      // In YAML, 5 is a number and 3.1.1 a text.
      .transform((version) => (version === 5 ? '5' : version))
      .optional()
      .describe('The version of MQTT. Default: auto, which is 5, and 3.1.1 where the broker refuses that.'),
    keep_alive: integer('a number of seconds', 0, 65_535)
      .optional()
      .describe('Seconds of silence after which the connection is probed, an integer; 0 turns it off. Default: 60.'),
    connect_timeout: seconds().optional().describe('Seconds that one attempt to connect may take. Default: 10.'),
    ack_timeout: seconds()
      .optional()
      .describe('Seconds that the broker may take to acknowledge before the connection is replaced. Default: 20.'),
    retry: retry.optional().describe('The pauses between two attempts to connect.'),
    session_expiry: integer('a number of seconds', 0, 0xffff_ffff)
      .optional()
      .describe(
        'Seconds that the broker keeps commands while the gateway is away, an integer; 0: not at all. Default: 86400, a day. With MQTT 3.1.1 the broker decides.',
      ),
  },
  'expected a section with the host of the broker',
);

const onePassword = exclude('password', 'password_file');

/** The section `auth`. */
export const auth = z
  .strictObject(
    {
      username: text('a user name').describe('The user name at the broker.'),
      password: z
        .string('expected a text')
        .optional()
        .describe('The password. Better in a file of its own, the environment or a credential. Default: none.'),
      password_file: text('the path of a file')
        .optional()
        .describe(
          'The file that holds the password, alone, in place of `password`; the newline at its end does not count.',
        ),
    },
    'expected a section with username',
  )
  .superRefine(onePassword.check)
  .meta(onePassword.schema);

/** The section `tls`. */
export const tls = z
  .strictObject(
    {
      ca_certs: text('the path of a file')
        .optional()
        .describe('The authorities to trust, a PEM file. Default: those that Node.js ships.'),
      certfile: text('the path of a file')
        .optional()
        .describe("The gateway's own certificate, a PEM file; needs `keyfile`. Default: none."),
      keyfile: text('the path of a file')
        .optional()
        .describe('The key of that certificate, a PEM file without a passphrase. Default: none.'),
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
  .meta({ dependentRequired: { certfile: ['keyfile'], keyfile: ['certfile'] } });
