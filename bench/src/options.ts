import { parseArgs } from 'node:util';
import { type BrokerKind, brokerKinds } from '@cstbox/test-peers';
import type { BacklogSetting } from './backlog.js';
import { type Durability, durabilities } from './durability.js';
import type { FloodSetting } from './flood.js';
import type { FrozenSetting } from './frozen.js';
import { type GatewayName, gatewayNames, type Qos } from './gateways.js';

const scenarioNames = ['flood', 'backlog', 'frozen', 'rules'] as const;

interface RunOptions {
  runs: number;
  /** Where the JSON goes; undefined: a file named after the date. */
  json: string | undefined;
}

interface CommonOptions extends RunOptions {
  gateways: GatewayName[];
  durabilities: Durability[];
  qos: Qos[];
}

/** Measures rules by themselves, without a gateway. */
export type RulesOptions = RunOptions & { scenario: 'rules'; setting: { variables: number } };

/** What the command line says, complete. */
export type BenchOptions = GatewayOptions | RulesOptions;

/** Measures gateways. */
export type GatewayOptions = CommonOptions &
  (
    | { scenario: 'flood'; setting: FloodSetting }
    | { scenario: 'backlog'; setting: BacklogSetting }
    | { scenario: 'frozen'; setting: FrozenSetting }
  );

export const USAGE = `usage: pnpm bench [flood | backlog | frozen | rules] [options]

flood, the default: events as fast as the bus takes them, then some at a fixed rate
  --events N          events of the flood (default 100000)
  --paced-events N    events for the latency (default 5000)
  --paced-rate N      how many of them per second (default 1000)
  --viewers N         so many \`mqttgwd tail\` look on, 4 at most (default none)
backlog: events while the broker is away, a restart of the gateway, the drain
  --events N          events of the backlog (default 1000000)
frozen: traffic while the broker is stopped by SIGSTOP
  --seconds N         how long (default 60)
  --rate N            events per second (default 2000)
rules: sets of 1 to 10,000 rules, without a gateway
  --variables N       variables that they are asked about (default 100000)
  --runs N            runs of each; the median is shown (default 3)
  --json FILE         as below
all others:
  --durability LIST   of ${durabilities.join(', ')} (default spill)
  --qos LIST          of 0, 1, 2 (default: flood 0,1,2, otherwise 1)
  --runs N            runs of each; the median is shown, least and greatest below it (default: flood 3, otherwise 1)
  --variables N       variables that the events go round (default 100)
  --broker KIND       ${brokerKinds.join(' or ')} (default: mosquitto where it is installed)
  --gateway NAME      what to measure: ${gatewayNames.join(' or ')} (default mqttgwd)
  --against NAME      measure that beside it, in turns with it
  --json FILE         where the raw figures go (default bench/results/<date>.json)`;

const text = { type: 'string' } as const;
const COMMON = {
  gateway: text,
  against: text,
  durability: text,
  qos: text,
  runs: text,
  variables: text,
  broker: text,
  json: text,
};

const RULES = { variables: text, runs: text, json: text };

/** @throws Error that says which option is wrong */
export function parseOptions(args: string[]): BenchOptions {
  const [first] = args;
  const isNamed = first !== undefined && !first.startsWith('-');
  const scenario = isNamed ? oneOf('scenario', first, scenarioNames) : 'flood';
  const rest = isNamed ? args.slice(1) : args;
  if (scenario === 'flood') {
    const values = parse(rest, { events: text, 'paced-events': text, 'paced-rate': text, viewers: text });
    const setting = {
      ...settingOf(values),
      events: count('events', values.events ?? '100000'),
      pacedEvents: count('paced-events', values['paced-events'] ?? '5000'),
      pacedRate: count('paced-rate', values['paced-rate'] ?? '1000'),
      viewers: values.viewers === undefined ? 0 : count('viewers', values.viewers),
    };
    return { scenario, setting, ...commonOf(values, '0,1,2', '3') };
  }
  if (scenario === 'backlog') {
    const values = parse(rest, { events: text });
    const setting = { ...settingOf(values), events: count('events', values.events ?? '1000000') };
    return keepingBacklog({ scenario, setting, ...commonOf(values, '1', '1') });
  }
  if (scenario === 'rules') {
    const { variables = '100000', runs = '3', json } = parseArgs({ args: rest, options: RULES }).values;
    const setting = { variables: count('variables', variables) };
    return { scenario, setting, runs: count('runs', runs), json };
  }
  const values = parse(rest, { seconds: text, rate: text });
  const setting = {
    ...settingOf(values),
    seconds: count('seconds', values.seconds ?? '60'),
    rate: count('rate', values.rate ?? '2000'),
  };
  return freezable({ scenario, setting, ...commonOf(values, '1', '1') });
}

type Values = Record<string, string | undefined>;

function parse(args: string[], own: Record<string, typeof text>): Values {
  return parseArgs({ args, options: { ...COMMON, ...own } }).values;
}

function settingOf({ broker, variables }: Values): { broker: BrokerKind; variables: number } {
  return {
    broker: oneOf('--broker', broker ?? (brokerKinds.includes('mosquitto') ? 'mosquitto' : 'aedes'), brokerKinds),
    variables: count('variables', variables ?? '100'),
  };
}

function commonOf(values: Values, defaultQos: string, defaultRuns: string): CommonOptions {
  const { gateway = 'mqttgwd', against = gateway, durability = 'spill', qos = defaultQos, runs = defaultRuns } = values;
  const gateways = [oneOf('--gateway', gateway, gatewayNames), oneOf('--against', against, gatewayNames)];
  return {
    gateways: [...new Set(gateways)],
    durabilities: listOf('--durability', durability, durabilities),
    qos: listOf('--qos', qos, ['0', '1', '2']).map((level) => Number(level) as Qos),
    runs: count('runs', runs),
    json: values.json,
  };
}

/** A backlog has to outlive the process that took it. */
function keepingBacklog<T extends CommonOptions>(options: T): T {
  const { gateways, durabilities } = options;
  if (gateways.includes('node-pipe')) throw new Error('backlog: node-pipe keeps nothing while the broker is away');
  if (durabilities.includes('memory')) throw new Error('backlog: memory keeps nothing over a restart');
  return options;
}

function freezable<T extends GatewayOptions>(options: T): T {
  if (options.setting.broker === 'aedes') throw new Error('frozen: aedes has no process of its own, use mosquitto');
  return options;
}

function listOf<T extends string>(option: string, value: string, allowed: readonly T[]): T[] {
  return [...new Set(value.split(',').map((part) => oneOf(option, part, allowed)))];
}

function oneOf<T extends string>(what: string, value: string, allowed: readonly T[]): T {
  if (!(allowed as readonly string[]).includes(value)) {
    throw new Error(`${what}: ${value} is none of ${allowed.join(', ')}`);
  }
  return value as T;
}

function count(option: string, value: string): number {
  const number = Number(value.replaceAll('_', ''));
  if (!Number.isSafeInteger(number) || number < 1) throw new Error(`--${option}: ${value} is no count`);
  return number;
}
