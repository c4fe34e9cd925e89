import * as z from 'zod';
import { parseDBusAddress } from '../dbus-address.js';
import { check, exclude, text } from './kinds.js';

const oneAddress = exclude('address', 'address_file');

/** The section `dbus`. */
export const dbus = z
  .strictObject(
    {
      address: text("a D-Bus address like 'unix:path=/run/cstbox/bus'")
        .superRefine(check(parseDBusAddress))
        .optional()
        .describe(
          'The D-Bus address of the bus. Default: what DBUS_SESSION_BUS_ADDRESS says, else the file /var/run/cstbox/cstbox-dbus.',
        ),
      address_file: text('the path of a file')
        .optional()
        .describe(
          "In place of `address`, a file that holds it, alone or as DBUS_SESSION_BUS_ADDRESS='…'. It is read at each attempt to join the bus, and not executed.",
        ),
    },
    'expected a section',
  )
  .superRefine(oneAddress.check)
  .meta(oneAddress.schema);
