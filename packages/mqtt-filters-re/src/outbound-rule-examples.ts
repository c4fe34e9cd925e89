import type { ExampleKind } from './check-examples.js';
import type { OutboundTarget } from './outbound-target.js';

/** Examples of outbound rules: variables as `<varType>:<varName>`, and the topics that their events go to. */
export const outboundExamples: ExampleKind<OutboundTarget> = {
  faultOf: (text) => (text.includes(':') ? undefined : "a variable is written as 'type:name'"),
  fits: (expected, { topic }) => topic === expected,
  refusalOf: ({ more }) => more?.refusal,
  inExample: ({ topic }) => topic,
};
