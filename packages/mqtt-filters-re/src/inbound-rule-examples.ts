import { topicFault } from '@cstbox/mqtt-core';
import * as z from 'zod';
import type { ExampleKind } from './check-examples.js';
import type { EventTarget } from './dispatch.js';
import type { InboundTarget } from './inbound-rule.js';

/** An event as an example names it: `type:name`, or a tuple; without a channel, any will do. */
type ExampleEvent = string | readonly [varType: string, varName: string, channel?: string];

/** What comes of a topic: one event, or a list of them, `[]` where it is blocked; `null`: the rule does not decide. */
export type Example = string | readonly ExampleEvent[] | null;

const EXPECTED = "an example is 'type:name', a list of events, [] (blocked), or null (this rule does not decide)";

/** What an {@link Example} looks like. */
export const exampleSchema = z.union(
  [
    z.string(),
    z.null(),
    z.array(
      z.union([z.string(), z.tuple([z.string(EXPECTED), z.string(EXPECTED)], z.string(EXPECTED))], EXPECTED),
      EXPECTED,
    ),
  ],
  EXPECTED,
);

/** Examples of inbound rules: topics, and the events that come of them. */
export const inboundExamples: ExampleKind<InboundTarget> = {
  faultOf: topicFault,
  fits: (expected, { events }) => {
    const wanted = (typeof expected === 'string' ? [expected] : expected) as readonly ExampleEvent[];
    return wanted.length === events.length && events.every((event, index) => isFor(event, wanted[index]));
  },
  inExample: ({ events }) => events.map(({ varType, varName, channel }) => [varType, varName, channel]),
};

function isFor({ varType, varName, channel }: EventTarget, wanted: ExampleEvent | undefined): boolean {
  if (typeof wanted === 'string') return wanted === `${varType}:${varName}`;
  return wanted?.[0] === varType && wanted[1] === varName && (wanted[2] ?? channel) === channel;
}
