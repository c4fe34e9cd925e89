import type { QoS } from '@cstbox/mqtt-core';
import * as z from 'zod';
import { section } from './check-shape.js';
import type { PayloadSpec } from './payload-builder.js';
import type { UnitSpec } from './value-shaping.js';
import type { Comparison, Condition } from './when.js';

/** A rule for events that go out, with everything that it may say. Durations are seconds; a fraction is one too. */
export interface OutboundRuleObject {
  /** The regex, applied to `<varType>:<varName>`: from the start, and to the end only where it says `$`. */
  readonly match: string;
  /** The channel, or channels, that the event must come on; else the next rule is tried. Default: any that is listened to. */
  readonly channel?: string | readonly string[];
  /** What the event's data must hold, as they are on the bus; else the next rule is tried. Default: anything. */
  readonly when?: Condition;
  /** The topic; `{room}` or `%(room)s` stand for the regex's groups. */
  readonly topic: string;
  /** The QoS to publish with. Default: the gateway's. */
  readonly qos?: QoS;
  /** The broker keeps the message for later subscribers. Default: false. */
  readonly retain?: boolean;
  /**
   * What is published: `event` (the whole event as JSON), `value` (the value as JSON), `raw` (the value as plain text),
   * `senml` (RFC 8428, as `<varType>:<varName>`, or `{ senml: name }`), or a template: `{ json: … }`, `{ text: … }`.
   * Default: `event`.
   */
  readonly payload?: PayloadSpec;
  /** The unit to publish numbers in, or `{ from, to }` with that of events that name none. Default: as it comes. */
  readonly unit?: UnitSpec;
  /** Decimals of a number, 0 to 12; halves are rounded away from zero. Default: as it comes. */
  readonly round?: number;
  /**
   * How far a number must be from the last one published to be published: a number, or a share of that one, as in `5%`. What
   * is no number must differ. Compared is what is converted and rounded. Default: everything is published.
   */
  readonly deadband?: number | string;
  /** With `deadband`: what comes so many seconds after the last one published is published in any case. Default: never. */
  readonly max_interval?: number;
  /** At most one message per topic in so many seconds; the latest is published at their end. Default: no limit. */
  readonly throttle?: number;
  /** After so many seconds a message is worth nothing, here and, with MQTT 5, at the broker. Default: never. */
  readonly expiry?: number;
  /** MQTT 5 user properties; the values may hold the regex's groups, as the topic. Default: none. */
  readonly user_properties?: Readonly<Record<string, string>>;
  /**
   * What becomes of messages that wait for the broker when a newer one for the same topic comes: `keep_all`, or `latest`: they
   * are given up. Default: `keep_all`.
   */
  readonly on_backlog?: 'keep_all' | 'latest';
  /** Variables, as `<varType>:<varName>`, and the topics they go out on; null: this rule does not take them. Checked on loading. */
  readonly examples?: Readonly<Record<string, string | null>>;
  /** Why what goes out by this rule may come back in. Default: that it may is an error of the rule set. */
  readonly allow_loop?: string;
}

const text = (what: string) => z.string(what).trim().min(1, what);
/** What a timer counts may not be more than 24 days. */
const TIMER_SECONDS = 2_000_000;
/** The longest that MQTT can say (MQTT 5, section 3.3.2.3.3). */
const EXPIRY_SECONDS = 0xffff_ffff;

const seconds = (what: string, max: number) => {
  const expected = `${what} is a number of seconds above 0, at most ${max.toLocaleString('en')}`;
  return z.number(expected).positive(expected).max(max, expected);
};

const SCALAR = 'a field is compared with a text, a number, true, false or null';
const scalars = [z.string(SCALAR), z.number(SCALAR), z.boolean(SCALAR), z.null(SCALAR)] as const;
const scalar = z.union(scalars, SCALAR);
const ORDERED = 'lt, lte, gt and gte compare with a number or a text';
const ordered = z.union([z.number(ORDERED), z.string(ORDERED)], ORDERED);
const LIST = 'in is a list of at least one text, number, true, false or null';

const operators = {
  eq: scalar.optional().describe('Equal, of the same type.'),
  ne: scalar.optional().describe('Not equal; a field that is absent or of another type is not.'),
  lt: ordered.optional().describe('Less than; numbers with numbers, texts with texts.'),
  lte: ordered.optional().describe('Less than or equal.'),
  gt: ordered.optional().describe('Greater than.'),
  gte: ordered.optional().describe('Greater than or equal.'),
  in: z.array(scalar, LIST).min(1, LIST).optional().describe('One of these.'),
  exists: z.boolean('exists is true or false').optional().describe('Whether the field is there, whatever it holds.'),
} satisfies Record<keyof Comparison, z.ZodType>;

const COMPARISON =
  'a field is compared with a text, a number, true, false or null, or by comparisons, as in { gt: 20, lte: 30 }';
const comparison = z.union([...scalars, section(operators, COMPARISON).refine(isFilled, COMPARISON)], COMPARISON);

const CONDITION = "when holds fields of the event's data and what they must be, as in { value: { gt: 20 }, unit: W }";
const ANY = 'any is a list of conditions, of which one must hold';
const condition: z.ZodType<Condition> = z
  .object(
    {
      get any() {
        return z.array(condition, ANY).min(1, ANY).optional().describe('Conditions, of which one must hold.');
      },
    },
    CONDITION,
  )
  .catchall(comparison)
  .refine(isFilled, CONDITION) as unknown as z.ZodType<Condition>;

function isFilled(object: object): boolean {
  return Object.keys(object).length > 0;
}

const CHANNEL = 'channel is the name of a channel, or a list of at least one';
const PAYLOAD = "payload is event, value, raw, senml, { senml: name }, { json: … } or { text: '…' }";
const UNIT = "unit is the name of one, as in 'kWh', or { from, to }";
const DEADBAND = "deadband is a number from 0 on, or a share, as in '5%'";
const ROUND = 'round is a number of decimals, an integer from 0 to 12';
const MAX_INTERVAL = 'max_interval is a number of seconds above 0';
const USER_PROPERTIES = 'user_properties are names and their texts';
const EXAMPLES =
  "examples are variables, '<varType>:<varName>', each with its topic, or null where the rule does not take it";
const ON_BACKLOG = 'on_backlog is keep_all or latest';
const unitName = z.string(UNIT).trim().min(1, UNIT);

/** What a rule as an object looks like: each key, with what it takes and what it means. */
export const outboundObject = section(
  {
    match: text("match is a regex for '<varType>:<varName>'").describe(
      'The regex, applied to <varType>:<varName>: from the start, and to the end only where it says $.',
    ),
    channel: z
      .union([z.string(CHANNEL), z.array(z.string(CHANNEL), CHANNEL).min(1, CHANNEL)], CHANNEL)
      .optional()
      .describe('The channel, or channels, that the event must come on; else the next rule is tried. Default: any.'),
    when: condition
      .optional()
      .describe(
        "What the event's data must hold, as they are on the bus; else the next rule is tried. Keys are fields, with dots between the levels; all must hold, and one of `any`.",
      ),
    topic: z.string('topic is a text').describe("The topic; {room} or %(room)s stand for the regex's groups."),
    qos: z
      .literal([0, 1, 2], 'qos is 0, 1 or 2')
      .optional()
      .describe("The QoS to publish with. Default: the gateway's."),
    retain: z
      .boolean('retain is true or false')
      .optional()
      .describe('The broker keeps the message for later subscribers. Default: false.'),
    payload: z
      .union(
        [
          z.enum(['event', 'value', 'raw', 'senml'], PAYLOAD),
          z.strictObject({ senml: z.string(PAYLOAD).describe('SenML, with this name of the record.') }, PAYLOAD),
          z.strictObject({ json: z.unknown().describe('JSON; its texts are templates.') }, PAYLOAD),
          z.strictObject({ text: z.string(PAYLOAD).describe('A text, which is a template.') }, PAYLOAD),
        ],
        PAYLOAD,
      )
      .optional()
      .describe(
        'What is published: the event as JSON, its value as JSON or as plain text, SenML (RFC 8428), or a template over timestamp, timestamp_iso, var_type, var_name, channel, data, data.<key>, value, unit and the groups. Default: event.',
      ),
    unit: z
      .union(
        [
          unitName,
          section(
            {
              from: unitName
                .optional()
                .describe('The unit of events that name none. Default: such events are refused.'),
              to: unitName.describe('The unit to publish in.'),
            },
            UNIT,
          ),
        ],
        UNIT,
      )
      .optional()
      .describe('The unit to publish numbers in; { from, to } also says that of events that name none.'),
    round: z
      .int(ROUND)
      .min(0, ROUND)
      .max(12, ROUND)
      .optional()
      .describe('Decimals of a number; halves are rounded away from zero.'),
    deadband: z
      .union(
        [z.number(DEADBAND).min(0, DEADBAND), z.string(DEADBAND).regex(/^\s*\d+(\.\d+)?\s*%\s*$/, DEADBAND)],
        DEADBAND,
      )
      .optional()
      .describe(
        'How far a number must be from the last one published to be published, or the share of it, as in 5%. What is no number must differ.',
      ),
    max_interval: z
      .number(MAX_INTERVAL)
      .positive(MAX_INTERVAL)
      .optional()
      .describe('With deadband: what comes so many seconds after the last one published is published in any case.'),
    throttle: seconds('throttle', TIMER_SECONDS)
      .optional()
      .describe('At most one message per topic in so many seconds; the latest is published at their end.'),
    expiry: seconds('expiry', EXPIRY_SECONDS)
      .optional()
      .describe('After so many seconds a message is worth nothing, here and, with MQTT 5, at the broker.'),
    user_properties: z
      .record(z.string(), z.string('a user property is a text'), USER_PROPERTIES)
      .optional()
      .describe("MQTT 5 user properties; the values may hold the regex's groups."),
    on_backlog: z
      .enum(['keep_all', 'latest'], ON_BACKLOG)
      .optional()
      .describe('In an outage, keep every message, or only the newest of each topic. Default: keep_all.'),
    examples: z
      .record(z.string(), z.union([z.string(EXAMPLES), z.null(EXAMPLES)], EXAMPLES), EXAMPLES)
      .optional()
      .describe('Variables as <varType>:<varName> and the topics they go out on; null: this rule does not take them.'),
    allow_loop: text('allow_loop is a text that says why')
      .optional()
      .describe('Why what goes out by this rule may come back in.'),
  } satisfies Record<keyof OutboundRuleObject, z.ZodType>,
  'a rule is an object with match and topic',
);

/** The JSON Schema (2020-12) of a rule for events that go out, with an explanation of each key. */
export function outboundRuleSchema(): Record<string, unknown> {
  return z.toJSONSchema(outboundObject, { io: 'input' });
}
