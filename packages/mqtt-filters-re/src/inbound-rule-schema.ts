import * as z from 'zod';
import { section } from './check-shape.js';
import { type Example, exampleSchema } from './inbound-rule-examples.js';
import type { ValueLimits } from './inbound-rule-limits.js';
import type { InboundRuleOptions } from './inbound-rule-options.js';
import { READINGS, type ReadSpec } from './inbound-rule-read.js';

/** An event to make of a message, as an object. */
export interface EventObject {
  /** The variable's type; may hold parameters, `{room}`, for the groups of `match`. */
  readonly type: string;
  /** The variable's name; the same. */
  readonly name: string;
  /** The channel: letters, digits and `_`. Default: `control`. */
  readonly channel?: string;
  /** More for the event's data, beside the value: `{ unit: degC }`. It wins over what the payload says. */
  readonly data?: Readonly<Record<string, unknown>>;
  /** How the payload is read for this event. Default: as the rule says. */
  readonly read?: ReadSpec;
  /** What the value of this event must be. Default: as the rule says. */
  readonly value?: ValueLimits;
}

/** An inbound rule as an object: beside the tuple, with more to say. */
export interface InboundRuleObject extends InboundRuleOptions {
  /** The regex that is applied to the topic, from its start; write `$` for its end. */
  readonly match: string;
  /** The events to make of the message, `[varType, varName, channel?]` or objects; `[]` blocks it. */
  readonly emit: readonly (readonly [varType: string, varName: string, channel?: string] | EventObject)[];
  /** How the payload is read. Default: `auto`, which is `makeEventPayload` of the filter. */
  readonly read?: ReadSpec;
  /** What the value must be; a message with another is refused. Default: anything. */
  readonly value?: ValueLimits;
  /** How many messages the rule lets in: a burst of `messages`, and as many again in each `per` seconds; else `rate_limited`. */
  readonly rate_limit?: { readonly messages: number; readonly per: number };
  /** Topics, and what the rule makes of them; `null`: it does not decide them. Checked when the rules are loaded. */
  readonly examples?: Readonly<Record<string, Example>>;
  /** Why it may be that an event of this rule goes out and comes in again. */
  readonly allow_loop?: string;
}

const text = (what: string) => z.string(what).min(1, what);
const number = (what: string) => z.number(what);
const positive = (what: string) => z.number(what).positive(what);

const keysOf = (given: Record<string, unknown>) => Object.keys(given).filter((key) => given[key] !== undefined);
const isRightSoFar = ({ issues }: z.core.ParsePayload) => issues.length === 0;

const WORDS = 'the words are a list of at least one text, number or boolean';
const words = z.array(z.union([z.string(), z.number(), z.boolean()], WORDS), WORDS).min(1, WORDS);

const READ = `read is one of ${READINGS.join(', ')}, or an object with one of boolean, senml, pointer, jmespath`;

const read = z.union(
  [
    z.enum(READINGS),
    section(
      {
        boolean: section(
          { true: words.describe('The words for true.'), false: words.describe('The words for false.') },
          'boolean is { true: [word, …], false: [word, …] }',
        )
          .optional()
          .describe(
            'The words for true and for false, in place of the usual ones; the case of letters does not matter.',
          ),
        senml: text('senml is the name of a record')
          .optional()
          .describe("The record to take of a SenML pack, by its whole name or its own 'n'."),
        pointer: z
          .string('pointer is a JSON Pointer')
          .optional()
          .describe('A JSON Pointer (RFC 6901) to the value; "" is the whole.'),
        jmespath: text('jmespath is an expression').optional().describe('A JMESPath expression that finds the value.'),
      },
      READ,
    ).refine((given) => keysOf(given).length === 1, { error: READ, when: isRightSoFar }),
  ],
  READ,
);

const VALUE = 'value is an object with at least one of min, max, step, in, schema';

const value = section(
  {
    min: number('min is a number').optional().describe('The least number.'),
    max: number('max is a number').optional().describe('The greatest number.'),
    step: positive('step is a number above 0')
      .optional()
      .describe('The distance between two allowed numbers, from min on, or from 0 without one.'),
    in: words.optional().describe('The allowed words, numbers or booleans, to the letter.'),
    schema: z
      .record(z.string(), z.unknown(), 'schema is a JSON Schema: an object')
      .optional()
      .describe('A JSON Schema (2020-12) that the value must fit.'),
  },
  VALUE,
).refine((given) => keysOf(given).length > 0, { error: VALUE, when: isRightSoFar });

const DATA = "data is an object without 'value' and 'timestamp', which come from the payload and the event manager";

/** What an {@link EventObject} looks like. */
export const eventSchema = section(
  {
    type: z
      .string('type is a text')
      .describe("The variable's type; may hold parameters, {room}, for the groups of match."),
    name: z
      .string('name is a text')
      .describe("The variable's name; may hold parameters, {room}, for the groups of match."),
    channel: z
      .string('channel is a text')
      .optional()
      .describe("The channel: letters, digits and '_'. Default: control."),
    data: z
      .record(z.string(), z.unknown(), DATA)
      .refine((data) => !Object.hasOwn(data, 'value') && !Object.hasOwn(data, 'timestamp'), DATA)
      .optional()
      .describe("More for the event's data; wins over what the payload says."),
    read: read.optional().describe('How the payload is read for this event. Default: as the rule says.'),
    value: value.optional().describe('What the value of this event must be. Default: as the rule says.'),
  } satisfies Record<keyof EventObject, z.ZodType>,
  'an event specification is [varType, varName, channel?] or an object with type and name',
);

const EMIT = 'emit is a list of event specifications; [] blocks';

/** The place of events, without a look at them. */
export const listOfEvents = z.array(z.unknown(), EMIT);

/** What an {@link InboundRuleObject} looks like. */
export const inboundObject = section(
  {
    match: z
      .string('match is a regex')
      .describe('The regex that is applied to the topic, from its start; write $ for its end.'),
    emit: z
      .array(z.union([z.tuple([z.string(), z.string()], z.string().nullable()).readonly(), eventSchema]), EMIT)
      .describe('The events to make of the message: [varType, varName, channel?] or objects; [] blocks it.'),
    read: read.optional().describe('How the payload is read. Default: auto.'),
    value: value.optional().describe('What the value must be; a message with another is refused. Default: anything.'),
    retained: z
      .enum(['ignore', 'accept'], "retained is 'ignore' or 'accept'")
      .optional()
      .describe('What becomes of a message that the broker kept from earlier.'),
    max_age: positive('max_age is a number of seconds above 0')
      .optional()
      .describe('How old a message may be by its own date, in seconds.'),
    timestamp_field: text('timestamp_field is the name of a field')
      .optional()
      .describe(
        'The field of a JSON payload that holds the date, in ms since the Epoch or ISO 8601. Default: timestamp.',
      ),
    id_field: text('id_field is the name of a field')
      .optional()
      .describe('The user property or field of a JSON payload that tells commands apart. Default: command_id.'),
    rate_limit: section(
      {
        messages: z
          .int('messages is an integer above 0')
          .positive('messages is an integer above 0')
          .describe('So many may come at once, and again in each time.'),
        per: positive('per is a number of seconds above 0').describe('The time, in seconds.'),
      },
      'rate_limit is { messages, per }',
    )
      .optional()
      .describe('How many messages the rule lets in.'),
    examples: z
      .record(z.string(), exampleSchema, 'examples is an object: topics, each with the events that come of it')
      .optional()
      .describe(
        'Topics, and what the rule makes of them; null: it does not decide them. Checked when the rules are loaded.',
      ),
    allow_loop: text('allow_loop is the reason, a text')
      .optional()
      .describe('Why it may be that an event of this rule goes out and comes in again.'),
  } satisfies Record<keyof InboundRuleObject, z.ZodType>,
  'an inbound rule is a tuple or an object with match and emit',
);

/** The JSON Schema (2020-12) of an inbound rule that is an object, with an explanation of each key. */
export function inboundRuleSchema(): Record<string, unknown> {
  return z.toJSONSchema(inboundObject, { io: 'input' });
}
