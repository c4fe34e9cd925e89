import * as z from 'zod';
import { age, integer, seconds, text } from './kinds.js';

/** The section `outbox`. */
export const outbox = z.strictObject(
  {
    durability: z
      .literal(['memory', 'spill', 'always'], "expected 'memory', 'spill' or 'always'")
      .optional()
      .describe(
        '`memory`: what waits is lost with the process. `spill`: what waits longer is on disk, and all of it at a stop. `always`: everything is on disk before it is published. Default: spill.',
      ),
    directory: text('the path of a directory')
      .optional()
      .describe(
        'Where messages that wait are kept; made if it is not there; for one gateway alone. Default: /var/lib/mqttgwd.',
      ),
    max_messages: integer('a number of messages', 1)
      .optional()
      .describe('How many messages may wait. Default: 1000000; with `memory` 100000.'),
    max_bytes: integer('a number of bytes', 1)
      .optional()
      .describe('How many bytes of topics and payloads may wait. Default: 1 GiB; with `memory` 64 MiB.'),
    max_age: age().optional().describe('How many seconds a message may wait. Default: for ever.'),
    give_up: z
      .literal(['oldest', 'newest'], "expected 'oldest' or 'newest'")
      .optional()
      .describe('What to give up when too many wait. Default: oldest.'),
    commit_interval: seconds()
      .optional()
      .describe('With `always`: seconds that messages are collected, to be written together. Default: 0.05.'),
    spill_after: seconds()
      .optional()
      .describe('With `spill`: seconds that a message waits before it goes to disk. Default: 1.'),
  },
  'expected a section',
);
