import { LIVE_EVENTS } from './backlog.js';
import type { Ceilings, Load } from './ceilings.js';
import type { MachineFacts } from './machine.js';
import type { GatewayOptions, RulesOptions } from './options.js';
import { decimals } from './report.js';
import type { Setting } from './scenario.js';

/** What is going to be measured, and on what. */
export function introduction(options: GatewayOptions, machine: MachineFacts): string {
  const { gateways, runs, setting } = options;
  const processes = setting.broker === 'mosquitto' ? 'five processes' : 'four processes (aedes runs within the bench)';
  return [
    `${gateways.join(' against ')} on ${setting.broker}, ${runs} ${runs === 1 ? 'run' : 'runs'} each: ${course(options)}`,
    `Source, dbus-daemon, gateway, broker and subscriber are ${processes} that share ${machine.cores} cores ` +
      `(${machine.cpu}, Node ${machine.node}, load before ${decimals(machine.loadBefore, 2)}).`,
    `Outboxes lie in ${machine.outboxOn.directory}, on ${machine.outboxOn.fileSystem}.`,
  ].join('\n');
}

/** The same for the rules. */
export function rulesIntroduction({ runs, setting }: RulesOptions, machine: MachineFacts): string {
  const { cores, cpu, node, loadBefore } = machine;
  return (
    `Outbound rules and ${decimals(setting.variables, 0)} variables, ${runs} ${runs === 1 ? 'run' : 'runs'} each, ` +
    `on ${cores} cores (${cpu}, Node ${node}, load before ${decimals(loadBefore, 2)}).`
  );
}

function course({ scenario, setting }: GatewayOptions): string {
  const over = `over ${setting.variables} variables`;
  switch (scenario) {
    case 'flood': {
      const { events, pacedEvents, pacedRate } = setting;
      return (
        `${decimals(events, 0)} events in a flood ${over}, ` +
        `then ${decimals(pacedEvents, 0)} at ${decimals(pacedRate, 0)}/s for the latency.`
      );
    }
    case 'backlog':
      return `${decimals(setting.events, 0)} events ${over} while the broker is away, a restart of the gateway, and the drain.`;
    case 'frozen':
      return `${decimals(setting.rate, 0)} events/s ${over} while the broker is frozen for ${setting.seconds} s.`;
  }
}

/** With how many events the ceilings are measured; undefined where the scenario comes near to none of them. */
export function ceilingLoad({ scenario, setting }: GatewayOptions): Load | undefined {
  if (scenario === 'frozen') return undefined;
  return { ...setting, events: scenario === 'flood' ? setting.events : Math.min(setting.events, LIVE_EVENTS) };
}

export function ceilingLines({ broker }: Setting, ceilings: Ceilings): string {
  return [
    'Without a gateway, in events/s:',
    `  ${decimals(ceilings.sourceAlone, 0)} from the source into a bus where nobody listens,`,
    `  ${decimals(ceilings.sourceToCounter, 0)} from the source through the bus to a listener that only counts,`,
    `  ${decimals(ceilings.brokerToSubscriber, 0)} prepared messages of QoS 0 through ${broker} to the subscriber.`,
  ].join('\n');
}
