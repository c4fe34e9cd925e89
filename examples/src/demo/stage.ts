import type { MQTTGatewayServiceObject } from '@cstbox/dbus-bus';
import type { EventBus } from '@cstbox/mqtt-core';

/** The bus that the demo plays on. */
export interface Stage {
  /** Where the devices of the house are. */
  readonly devices: EventBus;
  /** What the bus is, for the visitor. */
  readonly description: string;
  /** Where to join it from outside, if that is possible. */
  readonly address?: string;
  /** Runs the gateway on this bus. */
  run(createService: (bus: EventBus) => MQTTGatewayServiceObject): Promise<RunningGateway>;
}

/** The gateway at work. */
export interface RunningGateway extends AsyncDisposable {
  /** Resolves when it has stopped, for whatever reason. Never rejects. */
  readonly closed: Promise<unknown>;
  /** Delivers what is on its way and stops. Idempotent. */
  stop(): Promise<void>;
}
