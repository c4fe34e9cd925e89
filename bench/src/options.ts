import { parseArgs } from 'node:util';
import { type BrokerKind, brokerKinds } from '@cstbox/test-peers';
import { type GatewayName, gatewayNames, type Qos } from './gateways.js';

/** What the command line says, complete. */
export interface BenchOptions {
  gateways: GatewayName[];
  broker: BrokerKind;
  qos: Qos[];
  events: number;
  variables: number;
  runs: number;
  pacedEvents: number;
  pacedRate: number;
  /** Where the JSON goes; undefined: a file named after the date. */
  json: string | undefined;
}

export const USAGE = `usage: pnpm bench [options]

  --events N          events of the flood (default 100000)
  --variables N       variables that they go round (default 100)
  --qos LIST          of 0, 1, 2 (default 0,1,2)
  --runs N            runs of each; the median is shown, least and greatest below it (default 3)
  --paced-events N    events for the latency (default 5000)
  --paced-rate N      how many of them per second (default 1000)
  --broker KIND       aedes or mosquitto (default: mosquitto where it is installed)
  --gateway NAME      what to measure: ${gatewayNames.join(' or ')} (default mqttgwd)
  --against NAME      measure that beside it, in turns with it
  --json FILE         where the raw figures go (default bench/results/<date>.json)`;

/** @throws Error that says which option is wrong */
export function parseOptions(args: string[]): BenchOptions {
  const { values } = parseArgs({
    args,
    options: {
      events: { type: 'string', default: '100000' },
      variables: { type: 'string', default: '100' },
      qos: { type: 'string', default: '0,1,2' },
      runs: { type: 'string', default: '3' },
      'paced-events': { type: 'string', default: '5000' },
      'paced-rate': { type: 'string', default: '1000' },
      broker: { type: 'string', default: brokerKinds.includes('mosquitto') ? 'mosquitto' : 'aedes' },
      gateway: { type: 'string', default: 'mqttgwd' },
      against: { type: 'string' },
      json: { type: 'string' },
    },
  });
  const gateways = [oneOf('gateway', values.gateway, gatewayNames)];
  if (values.against !== undefined) gateways.push(oneOf('against', values.against, gatewayNames));
  return {
    gateways: [...new Set(gateways)],
    broker: oneOf('broker', values.broker, brokerKinds),
    qos: values.qos.split(',').map((level) => Number(oneOf('qos', level, ['0', '1', '2'])) as Qos),
    events: atLeastOne('events', values.events),
    variables: atLeastOne('variables', values.variables),
    runs: atLeastOne('runs', values.runs),
    pacedEvents: atLeastOne('paced-events', values['paced-events']),
    pacedRate: atLeastOne('paced-rate', values['paced-rate']),
    json: values.json,
  };
}

function oneOf<T extends string>(option: string, value: string, allowed: readonly T[]): T {
  if (!(allowed as readonly string[]).includes(value)) {
    throw new Error(`--${option}: ${value} is none of ${allowed.join(', ')}`);
  }
  return value as T;
}

function atLeastOne(option: string, value: string): number {
  const number = Number(value.replaceAll('_', ''));
  if (!Number.isSafeInteger(number) || number < 1) throw new Error(`--${option}: ${value} is no count`);
  return number;
}
