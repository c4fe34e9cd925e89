import {
  type AcceptedEvent,
  CONTROL_EVENT_CHANNEL,
  ConfigurationError,
  type EventData,
  InboundFilter,
  type MQTTConnector,
  type MQTTMessage,
  makeBasicEvent,
  OutboundFilter,
  SENSOR_EVENT_CHANNEL,
  type Timestamp,
  VarTypes,
} from '@cstbox/mqtt-core';

/** Lets out the alarms from a level on, and nothing else. */
export class AlarmFilter extends OutboundFilter {
  /** The channels to listen to. Left out: sensor and control. */
  override readonly channels = [SENSOR_EVENT_CHANNEL];

  constructor(readonly threshold: number) {
    super();
  }

  /** The topic for an event; `null`: it stays in, and counts as filtered. */
  override getMqttTopic(_timestamp: Timestamp, varType: string, _varName: string, data: EventData): string | null {
    if (varType !== 'alarm') return null;
    const { value } = data;
    // Not filtered but dropped: counted under this reason, and the first one is logged.
    if (typeof value !== 'number') return this.refuse('no_level', `the value ${JSON.stringify(value)} is no level`);
    return value >= this.threshold ? 'site/alarms' : null;
  }

  /** The payload, text or bytes. Left out: JSON with `timestamp`, `var_type`, `var_name` and `data`. */
  override makePayload(timestamp: Timestamp, _varType: string, varName: string, { value }: EventData): string {
    return JSON.stringify({ alarm: varName, level: value, since: Number(timestamp) });
  }
}

/** Takes in who has seen an alarm: `Ann` on site/alarms/boiler/seen. */
export class SeenFilter extends InboundFilter {
  /** The events for a message, each with its channel; `null`: it stays out. */
  override acceptEvent(_client: MQTTConnector, _userData: unknown, message: MQTTMessage): AcceptedEvent[] | null {
    const [, varName] = /^site\/alarms\/([^/]+)\/seen$/.exec(message.topic) ?? [];
    if (varName === undefined) return null;
    const by = new TextDecoder().decode(message.payload); // a Uint8Array, which may hold anything
    return [[makeBasicEvent(VarTypes.ACK, varName, by), CONTROL_EVENT_CHANNEL]];
  }
}

/** The daemon calls it for `"outbound": { "use": "<this module>", "threshold": 3 }`, with what stands beside `use`. */
export function createOutboundFilter({ threshold }: Readonly<Record<string, unknown>>): OutboundFilter {
  if (typeof threshold === 'number') return new AlarmFilter(threshold);
  throw new ConfigurationError([{ path: ['threshold'], message: 'expected a number: the lowest level that goes out' }]);
}

/** The daemon calls it for `"inbound": { "use": "<this module>" }`. */
export function createInboundFilter(): InboundFilter {
  return new SeenFilter();
}
