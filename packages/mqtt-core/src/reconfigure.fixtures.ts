import { keepLog } from './connector.fixtures.js';
import type { Counts } from './counts.js';
import { MQTTGatewayError } from './errors.js';
import { BasicEvent } from './event.js';
import type { BusState } from './event-bus.js';
import { type AcceptedEvent, type FilterRule, InboundFilter, OutboundFilter } from './filter.js';
import { Gateway } from './gateway.js';
import type { GatewayChange, GatewayOptions } from './gateway-options.js';
import { MemoryEventBus } from './memory-bus.js';
import { MQTTConnector } from './mqtt-connector.js';
import type { MQTTMessage } from './mqtt-message.js';

/** Lets numbers out on `out`, by rules that go round; or only those of one parity. */
export class NumbersOut extends OutboundFilter {
  override readonly name: string;
  override readonly channels: readonly string[];
  readonly #rules: readonly FilterRule[];
  readonly #parity: number | undefined;

  constructor(name: string, rules: readonly string[], channels: readonly string[] = ['sensor'], parity?: number) {
    super();
    this.name = name;
    this.channels = channels;
    this.#rules = rules.map((rule) => ({ name: rule }));
    this.#parity = parity;
  }

  override getMqttTopic(_timestamp: number, varType: string, varName: string): string | null {
    const number = Number(varName);
    if (varType !== 'number' || (this.#parity !== undefined && number % 2 !== this.#parity)) return null;
    this.lastRule = this.#rules[number % this.#rules.length];
    return 'out';
  }

  override makePayload(_timestamp: number, _varType: string, varName: string): string {
    return varName;
  }
}

/** Makes a command of every number that comes, by rules that go round. */
export class NumbersIn extends InboundFilter {
  override readonly name: string;
  readonly #rules: readonly FilterRule[];

  constructor(name: string, ...rules: string[]) {
    super();
    this.name = name;
    this.#rules = rules.map((rule) => ({ name: rule }));
  }

  override acceptEvent(_client: MQTTConnector, _userData: unknown, { payload }: MQTTMessage): AcceptedEvent[] {
    const number = Buffer.from(payload).toString();
    const rule = this.#rules[Number(number) % this.#rules.length];
    this.lastRule = rule;
    return [[new BasicEvent('command', number, { by: `${this.name} ${rule?.name}` }), 'control']];
  }
}

/** The same on both ways, under other names, by other rules, on other channels. */
export const STATES: readonly GatewayChange[] = [
  { outbound: new NumbersOut('one', ['a', 'b']), inbound: new NumbersIn('in', 'a', 'b') },
  {
    outbound: [
      new NumbersOut('odd', ['a'], ['sensor', 'control'], 1),
      new NumbersOut('one', ['a', 'b', 'c'], ['sensor']),
    ],
    inbound: [new NumbersIn('other', 'a'), new NumbersIn('in', 'a')],
  },
  { outbound: new NumbersOut('one', ['c', 'd', 'e']), inbound: new NumbersIn('in', 'c', 'd') },
  {
    outbound: new NumbersOut('renamed', ['one > a'], ['framework', 'sensor', 'system-monitoring']),
    inbound: [new NumbersIn('renamed', 'in > a'), new NumbersIn('a', 'b')],
  },
];

/** A bus that can be away. */
export class MoodyBus extends MemoryEventBus {
  #isAway = false;
  readonly #watching = new Set<(state: BusState) => void>();

  override get state(): BusState {
    return this.#isAway ? 'away' : super.state;
  }

  override watch(watcher: (state: BusState) => void): () => void {
    this.#watching.add(watcher);
    return () => this.#watching.delete(watcher);
  }

  override async emit(channel: string, event: BasicEvent): Promise<void> {
    if (this.#isAway) throw new MQTTGatewayError('bus_unreachable', 'it is away');
    return super.emit(channel, event);
  }

  set isAway(isAway: boolean) {
    this.#isAway = isAway;
    for (const watcher of [...this.#watching]) watcher(this.state);
  }
}

/** A gateway that crosses numbers, with a bus that keeps the commands that it was handed. */
export async function startCrossing(options: Partial<GatewayOptions> & { connector: MQTTConnector }) {
  const bus = new MoodyBus();
  const log = keepLog();
  const commands: { number: number; by: unknown }[] = [];
  await bus.subscribe(['control'], {
    event: (_channel, { varType, varName, data }) => {
      if (varType === 'command') commands.push({ number: Number(varName), by: data.by });
    },
    malformed: () => {},
  });
  const gateway = new Gateway({ bus, logger: log, ...STATES[0], ...options });
  await gateway.start();
  const emit = (number: number, channel = 'sensor') => bus.emit(channel, new BasicEvent('number', String(number)));
  return { bus, gateway, log, commands, emit, [Symbol.asyncDispose]: () => gateway.stop() };
}

/** An MQTT user who keeps the numbers that come out. */
export async function startUser(broker: string) {
  const user = new MQTTConnector({ broker, topics: ['out'] });
  const numbers: number[] = [];
  user.onMessage = (_client, _userData, { payload }) => void numbers.push(Number(Buffer.from(payload).toString()));
  await user.run();
  return { user, numbers, [Symbol.asyncDispose]: () => user.shutdown() };
}

export const upTo = (count: number) => Array.from({ length: count }, (_, index) => index);

/** Of which books of both directions it is not true that they add up, and that nothing waits less than nothing: of the whole, each filter, each rule. */
export function unbalanced({ counts }: Gateway): unknown[] {
  return [counts.out, counts.in].flatMap((direction) => {
    const all: [string, Counts][] = [
      ['all', direction],
      ...Object.entries(direction.filters),
      ...Object.entries(direction.rules),
    ];
    return all.filter(([, { received, forwarded, filtered, dropped, waiting }]) => {
      const lost = Object.values(dropped).reduce((sum, count) => sum + count, 0);
      return waiting < 0 || received !== forwarded + filtered + lost + waiting;
    });
  });
}
