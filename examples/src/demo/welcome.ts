import type { Broker } from '@cstbox/test-peers';
import type { Stage } from './stage.js';

type Address = Pick<Broker, 'kind' | 'host' | 'port'>;

/** How to give the house a command from outside. */
export function commandLine({ host, port }: Address): string {
  return `mosquitto_pub -h ${host} -p ${port} -t site/kitchen/set/light -m on`;
}

/** What is running, and how to join in from outside. */
export function welcome(broker: Address, stage: Stage, rules: string): string {
  const joinBus =
    stage.address &&
    `
  export DBUS_SESSION_BUS_ADDRESS='${stage.address}'
  dbus-monitor --session "type='signal',interface='fr.cstb.cstbox.EventManager'"
  gdbus call --session -d fr.cstb.cstbox.EventManager -o /sensor \\
    -m fr.cstb.cstbox.EventManager.emitEvent temperature attic '{"value": 12.5, "unit": "degC"}'
`;
  return `\
The gateway is running, between a simulated house and a simulated visitor.
  bus     ${stage.description}
  broker  ${broker.kind} on ${broker.host}:${broker.port}
  rules   ${rules}

Join in from another terminal:
  mosquitto_sub -h ${broker.host} -p ${broker.port} -t 'site/#' -v
  ${commandLine(broker)}
${joinBus ?? ''}
Ctrl-C ends it.
`;
}
