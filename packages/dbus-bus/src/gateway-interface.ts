import { ConfigurationError, describeError } from '@cstbox/mqtt-core';
import * as z from 'zod';
import { CallRefused, DBUS_ERROR, type DBusInterface } from './dbus-interface.js';
import type { GatewayProgram } from './gateway-program.js';
import { wellKnownName } from './names.js';
import type { GatewayState, StatusReport } from './status-report.js';
import type { TailOptions, Tails } from './tails.js';

/** The gateway's name on the bus, and the interface of its object `/service`. */
export const GATEWAY = wellKnownName('MQTTGateway');
/** A reload was refused: the message has every problem, one a line. */
export const CONFIGURATION_ERROR = `${GATEWAY}.Error.Configuration`;

/** What the interface speaks for. */
export interface ServedGateway {
  /** @throws {CallRefused} while the gateway has not started, as `state()` */
  report(): StatusReport;
  state(): GatewayState;
  readonly tails: Tails;
  readonly program: GatewayProgram;
}

/** `fr.cstb.cstbox.MQTTGateway`: what others may ask of the gateway. Each member is described in the README. */
export function gatewayInterface({ report, state, tails, program }: ServedGateway): DBusInterface {
  const { redact = (text) => text } = program;
  /** JSON of it, without secrets. */
  const json = (value: unknown) => {
    const redacted = (_key: string, each: unknown) => (typeof each === 'string' ? redact(each) : each);
    return [JSON.stringify(value, redacted)];
  };
  const reload = async () => {
    if (!program.reload) throw new CallRefused(`${DBUS_ERROR}.NotSupported`, 'this program has nothing to reload');
    try {
      return json(await program.reload());
    } catch (error) {
      const name = error instanceof ConfigurationError ? CONFIGURATION_ERROR : `${DBUS_ERROR}.Failed`;
      throw new CallRefused(name, redact(describeError(error)));
    }
  };
  const text = (name: string) => [{ name, type: 's' }];
  const property = (type: string, read: (state: GatewayState) => unknown) => ({ type, read: () => read(state()) });
  const constant = (type: string, value: unknown) => ({ type, isConstant: true, read: () => value });
  return {
    name: GATEWAY,
    methods: {
      getStatus: { in: [], out: text('status'), replySignature: 's', handle: () => json(report()) },
      reload: { in: [], out: text('report'), replySignature: 's', handle: reload },
      openTail: {
        in: text('options'),
        out: text('id'),
        replySignature: 's',
        handle: ([options], caller) => [tails.open(readTailOptions(options as string), caller)],
      },
      readTail: {
        in: text('id'),
        out: text('answer'),
        replySignature: 's',
        handle: async ([id], caller) => json(await tails.read(id as string, caller)),
      },
      closeTail: {
        in: text('id'),
        out: [],
        replySignature: '',
        handle: ([id], caller) => {
          tails.close(id as string, caller);
          return [];
        },
      },
    },
    signals: {},
    properties: {
      Version: constant('s', program.version ?? ''),
      Configuration: constant('s', program.configurationPath ?? ''),
      Simulate: property('b', ({ simulate }) => simulate),
      BusState: property('s', ({ links }) => links.eventManager.state),
      BrokerState: property('s', ({ links }) => links.broker.state),
      Broker: property('s', ({ links }) => redact(links.broker.broker)),
      OutboxWaiting: property('u', ({ outbox }) => outbox.waiting),
      OutboxOldestSeconds: property('d', ({ time, outbox: { oldest } }) =>
        oldest === undefined ? 0 : Math.max(0, (time - oldest) / 1_000),
      ),
    },
  };
}

const tailOptions = z.strictObject({
  direction: z.enum(['out', 'in']).optional(),
  outcomes: z.array(z.enum(['accepted', 'filtered', 'refused', 'malformed', 'lost'])).optional(),
  rule: z.string().optional(),
});

function readTailOptions(text: string): TailOptions {
  try {
    return tailOptions.parse(text === '' ? {} : JSON.parse(text));
  } catch (error) {
    const why = error instanceof z.ZodError ? z.prettifyError(error) : describeError(error);
    throw new CallRefused(
      `${DBUS_ERROR}.InvalidArgs`,
      `options are a JSON object of direction, outcomes, rule: ${why}`,
    );
  }
}
