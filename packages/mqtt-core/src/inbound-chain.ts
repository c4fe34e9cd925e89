import { BasicEvent, type EventData } from './event.js';
import type { InboundFilter, Refusal } from './filter.js';
import { nonsense, refusalOf, silence } from './filter-answer.js';
import { FilterChain, type FilterChainParts } from './filter-chain.js';
import type { MQTTConnector } from './mqtt-connector.js';
import type { MQTTMessage } from './mqtt-message.js';
import { nameFault } from './topic.js';

/** An event on its way in. */
export interface Command {
  readonly channel: string;
  readonly event: BasicEvent;
}

/** No message stands for more events: a list that never ends must not hold the process. */
const MAX_EVENTS = 1_000;

/** The filters that decide what comes in. */
export class InboundChain extends FilterChain<InboundFilter, MQTTMessage, readonly Command[]> {
  readonly #connector: MQTTConnector;

  constructor(parts: FilterChainParts<InboundFilter>, connector: MQTTConnector) {
    super(parts);
    this.#connector = connector;
  }

  override isFor(): boolean {
    return true;
  }

  protected override answerOf(filter: InboundFilter, message: MQTTMessage): readonly Command[] | Refusal | undefined {
    const accepted: unknown = filter.acceptEvent(this.#connector, this.#connector.userData, message);
    const commands = accepted === null || accepted === undefined ? [] : readEvents(accepted);
    const refusal = refusalOf(filter);
    if (commands.length === 0) return refusal;
    const fault = commands.flatMap(faultsOf)[0];
    return fault === undefined ? commands : { reason: 'illegal_event', detail: fault };
  }
}

/** @throws {TypeError} for what is no list of events, or one without an end */
function readEvents(accepted: unknown): Command[] {
  const isList = typeof accepted === 'object' && typeof (accepted as Iterable<unknown>)[Symbol.iterator] === 'function';
  if (!isList) throw nonsense('acceptEvent', accepted, 'a list of events or null');
  const commands: Command[] = [];
  let fault: TypeError | undefined;
  for (const item of accepted as Iterable<unknown>) {
    if (commands.length >= MAX_EVENTS) throw new TypeError(`acceptEvent gave more than ${MAX_EVENTS} events`);
    try {
      commands.push(readEvent(item));
    } catch (error) {
      fault ??= error as TypeError;
      // To be counted; and there may be promises behind it.
      commands.push({ channel: '', event: new BasicEvent('', '') });
    }
  }
  if (fault) throw fault;
  return commands;
}

/** Its parts are read here once: whoever handles them later meets no surprise. */
function readEvent(item: unknown): Command {
  if (!Array.isArray(item)) throw nonsense('acceptEvent', item, 'each item to be an event and its channel');
  const [given, channel] = item as unknown[];
  silence(given);
  silence(channel);
  if (typeof given !== 'object' || given === null) throw nonsense('acceptEvent', given, 'an event');
  const { varType, varName, data = {} } = Array.isArray(given) ? fromTuple(given) : (given as Partial<BasicEvent>);
  if (typeof varType !== 'string') throw nonsense('varType', varType, 'a string');
  if (typeof varName !== 'string') throw nonsense('varName', varName, 'a string');
  if (typeof data !== 'object' || data === null || Array.isArray(data)) throw nonsense('data', data, 'an object');
  return { channel: channel as string, event: new BasicEvent(varType, varName, data as EventData) };
}

function fromTuple([varType, varName, data]: unknown[]) {
  return { varType, varName, data };
}

/** What keeps an event from the bus. */
function faultsOf({ channel, event: { varType, varName } }: Command): string[] {
  const names = [varType, varName].flatMap((name) => nameFault(name) ?? []);
  return typeof channel === 'string' && channel !== '' ? names : [...names, 'an event has a channel'];
}
