import { ConfigurationError, type EventData, OutboundFilter, type Timestamp } from '@cstbox/mqtt-core';

/** Lets out the alarms from a level on, and nothing else. */
export class AlarmFilter extends OutboundFilter {
  constructor(readonly threshold: number) {
    super();
  }

  override getMqttTopic(_timestamp: Timestamp, varType: string, _varName: string, data: EventData) {
    if (varType !== 'alarm') return null;
    const { value } = data;
    if (typeof value !== 'number') return this.refuse('no_level', `the value ${JSON.stringify(value)} is no level`);
    return value >= this.threshold ? 'site/alarms' : null;
  }
}

/** The daemon calls it for `"outbound": { "use": "<this package>", "threshold": 3 }`. */
export function createOutboundFilter({ threshold }: Readonly<Record<string, unknown>>) {
  if (typeof threshold === 'number') return new AlarmFilter(threshold);
  throw new ConfigurationError([{ path: ['threshold'], message: 'expected a number: the lowest level that goes out' }]);
}
