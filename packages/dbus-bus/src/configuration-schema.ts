import { parseBrokerAddress, topicFilterFault } from '@cstbox/mqtt-core';
import * as z from 'zod';
import { auth, broker, tls } from './schema/broker.js';
import { dbus } from './schema/bus.js';
import { commands } from './schema/commands.js';
import { filters } from './schema/filters.js';
import { faultOf, integer, seconds } from './schema/kinds.js';
import { outbox } from './schema/outbox.js';

/** What a configuration looks like, and what each key means. */
export const shape = z.strictObject(
  {
    $schema: z
      .string('expected the address of a JSON Schema')
      .optional()
      .describe('The JSON Schema that an editor checks this file by. It means nothing to the gateway.'),
    broker: broker.describe('Where the broker is.'),
    auth: auth.optional().describe('Who the gateway is at the broker. Default: nobody.'),
    tls: tls
      .optional()
      .describe(
        "Turns TLS on; {} is enough. The broker's certificate is always verified. Default: off, unless a URL says so.",
      ),
    listened_topics: z
      .array(
        z.string('expected a topic filter').superRefine((topic, context) => {
          const fault = topicFilterFault(topic);
          if (fault) context.addIssue(`invalid topic filter: ${fault}`);
        }),
        'expected a list of topic filters',
      )
      .optional()
      .describe(
        'Topic filters to subscribe to; an empty list is none. Default: what the inbound filters ask for, where they know.',
      ),
    qos: z
      .literal([0, 1, 2], 'expected 0, 1 or 2')
      .default(1)
      .describe('The QoS to publish and to subscribe with. Default: 1.'),
    dbus: dbus.optional().describe('Which bus to join. Default: that of the environment, or of the CSTBox.'),
    outbox: outbox.optional().describe('Where messages wait for the broker, and how many.'),
    commands: commands
      .optional()
      .describe('Which messages are let in that a filter accepts, where their rule does not say.'),
    shutdown_timeout: seconds().optional().describe('Seconds that a stop lets what is on its way arrive. Default: 5.'),
    filter_timeout: seconds()
      .optional()
      .describe(
        'Seconds that the answer of a filter may take, before its message is refused as `filter_slow`. Default: 1.',
      ),
    max_hops: integer('a number of gateways', 1, 1_000_000)
      .optional()
      .describe('Through how many gateways a message may have come, beyond which it is refused as `loop`. Default: 8.'),
    simulate: z
      .boolean('expected true or false')
      .optional()
      .describe('Publishes nothing, and logs what would be published; all the rest is real. Default: false.'),
    filters: filters
      .optional()
      .describe('What may cross, and as what; at least one direction. A direction without a filter is closed.'),
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
