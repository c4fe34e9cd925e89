import * as z from 'zod';
import { age, text } from './kinds.js';

/** The section `commands`. */
export const commands = z.strictObject(
  {
    retained: z
      .literal(['ignore', 'accept'], "expected 'ignore' or 'accept'")
      .optional()
      .describe(
        'What becomes of a message that the broker kept from earlier. Default: ignore where it goes to the control channel, else accept.',
      ),
    max_age: age()
      .optional()
      .describe(
        'How many seconds old a message may be, by the date in its payload and by waiting here. Default: as old as it likes.',
      ),
    timestamp_field: text('the name of a field')
      .optional()
      .describe(
        'The field of a JSON payload that holds the date, in ms since the Epoch or as ISO 8601 text. Default: timestamp.',
      ),
    id_field: text('the name of a field')
      .optional()
      .describe(
        'The user property, or the field of a JSON payload, that tells commands apart, so that none is carried out twice. Default: command_id.',
      ),
  },
  'expected a section',
);
