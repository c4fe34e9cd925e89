import * as z from 'zod';
import { text } from './kinds.js';

const filterSection = (id: string) =>
  z
    .looseObject(
      {
        use: text("a package's name, or a path like './my-filter.js'").describe(
          'The package of the filter, installed beside this file or beside the daemon, or a path such as ./my-filter.js, relative to this file. What else the section takes is up to the filter.',
        ),
      },
      'expected a section with use',
    )
    .meta({ id });

/** One filter, or several that are asked one after the other. */
const filterSections = (id: string) => {
  const section = filterSection(id);
  return z.union([section, z.array(section).min(1, 'expected at least one filter')], {
    error: 'expected a section with use, or a list of such sections',
  });
};

/** The section `filters`. */
export const filters = z.strictObject(
  {
    inbound: filterSections('inboundFilter')
      .optional()
      .describe('What may come in: one filter, or a list of which the first that answers decides. Default: nothing.'),
    outbound: filterSections('outboundFilter')
      .optional()
      .describe('What may leave: one filter, or a list of which the first that answers decides. Default: nothing.'),
  },
  'expected a section with inbound, outbound or both',
);
