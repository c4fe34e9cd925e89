import type { FilterModule } from '@cstbox/mqtt-core';
import * as z from 'zod';
import { inboundObject } from './inbound-rule-schema.js';
import { outboundObject } from './outbound-rule-object.js';

const spec = z.tuple([z.string(), z.string(), z.string().nullish()]).meta({ minItems: 2, maxItems: 3 });
const options = inboundObject.pick({ retained: true, max_age: true, timestamp_field: true, id_field: true });

/** What a section of inbound rules looks like. */
const inbound = z.strictObject({
  rules: z
    .array(
      z.union([
        z.tuple([z.string(), z.array(spec), options.optional()]).meta({
          description: '[regex for the topic, [[varType, varName, channel], …], options]',
          minItems: 2,
          maxItems: 3,
        }),
        inboundObject,
      ]),
    )
    .describe('The rules, in their order: the first that matches the topic decides; what none matches stays out.'),
});

/** What a section of outbound rules looks like. */
const outbound = z.strictObject({
  channels: z
    .array(z.string().regex(/^\s*[A-Za-z0-9_]+\s*$/))
    .min(1)
    .optional()
    .describe('The channels to listen to. Default: sensor, control, and those that rules name.'),
  rules: z
    .array(
      z.union([
        z
          .tuple([z.string(), z.string()])
          .meta({ description: '[regex for <varType>:<varName>, topic]', minItems: 2, maxItems: 2 }),
        outboundObject,
      ]),
    )
    .describe('The rules, in their order: the first that matches decides; what none matches stays in.'),
});

/** The JSON Schemas (2020-12) of the sections that this package takes, made when somebody asks for them. */
export const configurationSchema = {
  get inbound() {
    return z.toJSONSchema(inbound, { io: 'input' });
  },
  get outbound() {
    return z.toJSONSchema(outbound, { io: 'input' });
  },
} satisfies FilterModule['configurationSchema'];
