/** The channel of the sensors' measurements. */
export const SENSOR_EVENT_CHANNEL = 'sensor';
/** The channel of the commands to actuators. */
export const CONTROL_EVENT_CHANNEL = 'control';
/** The channel of the system's own monitoring. */
export const SYSMON_EVENT_CHANNEL = 'sysmon';
/** The channel on which services announce their life. */
export const FRAMEWORK_EVENT_CHANNEL = 'framework';
/** Every channel that CSTBox predefines. */
export const ALL_CHANNELS: readonly string[] = Object.freeze([
  SENSOR_EVENT_CHANNEL,
  CONTROL_EVENT_CHANNEL,
  SYSMON_EVENT_CHANNEL,
  FRAMEWORK_EVENT_CHANNEL,
]);

/** Usual variable types. Any other string may be one. */
export const VarTypes = Object.freeze({
  MOTION: 'motion',
  OPENED: 'opened',
  TEMPERATURE: 'temperature',
  OCCUPANCY: 'occupancy',
  PRESENCE: 'presence',
  FLOW_DETECTION: 'flow',
  FLOOD_DETECTION: 'flood',
  BADGE_DETECTION: 'badge',
  DETECTION: 'detection',
  NOTIFICATION: 'notification',
  VOLUME: 'volume',
  VOLTAGE: 'voltage',
  CURRENT: 'current',
  FREQUENCY: 'frequency',
  POWER: 'power',
  ENERGY: 'energy',
  POWER_REACTIVE: 'power.react',
  ENERGY_REACTIVE: 'energy.react',
  SWITCH: 'switch',
  DIM: 'dim',
  ALARM_MODE: 'alarm_mode',
  ACK: 'ack',
  NACK: 'nack',
  TIMEOUT: 'timeout',
} as const);

/** Usual keys of an event's data. Any other key may be there. */
export const DataKeys = Object.freeze({
  VALUE: 'value',
  UNIT: 'unit',
  DELTA: 'delta',
} as const);

/** An event's data: what stands in its JSON object. Empty when there is nothing to say. */
export type EventData = Readonly<Record<string, unknown>>;

/**
 * Milliseconds since the Epoch. The bus carries an unsigned 64 bit integer, and it stays exact: a number as far as
 * a number is exact (2^53 - 1 ms, for the next 285,000 years), a bigint beyond.
 */
export type Timestamp = number | bigint;

/** The exact timestamp for an integer of the bus, as a number whenever that loses nothing. */
export function toTimestamp(milliseconds: bigint): Timestamp {
  return milliseconds <= Number.MAX_SAFE_INTEGER ? Number(milliseconds) : milliseconds;
}

/** A value or state of a variable, without a date: what is handed to the event manager, which dates it. */
export class BasicEvent {
  constructor(
    readonly varType: string,
    readonly varName: string,
    readonly data: EventData = {},
  ) {}

  /** `data.value`, or `undefined` when the event carries none (a motion, for instance). */
  get value(): unknown {
    return this.data[DataKeys.VALUE];
  }
}

/** An event with the date that the event manager gave it: what the bus broadcasts. */
export class TimedEvent extends BasicEvent {
  constructor(
    readonly timestamp: Timestamp,
    varType: string,
    varName: string,
    data: EventData = {},
  ) {
    super(varType, varName, data);
  }
}

/** An event as the tuple of its parts, accepted wherever a filter returns events. */
export type BasicEventTuple = readonly [varType: string, varName: string, data: EventData];

/**
 * Builds an event from its pieces.
 *
 * @param value goes to `data.value`; left out when `undefined` or `null`
 * @param units goes to `data.unit`; left out when empty
 * @param extra further keys of the data; they win over `value` and `units`
 */
export function makeBasicEvent(
  varType: string,
  varName: string,
  value?: unknown,
  units?: string,
  extra?: EventData,
): BasicEvent {
  const data: Record<string, unknown> = {};
  if (value !== undefined && value !== null) data[DataKeys.VALUE] = value;
  if (units) data[DataKeys.UNIT] = units;
  return new BasicEvent(varType, varName, { ...data, ...extra });
}

/**
 * The default payload of an event on MQTT: a JSON object with `timestamp` (ms), `var_type`, `var_name` and `data`.
 * Written by hand because JSON.stringify refuses a bigint timestamp.
 */
export function eventToJson(timestamp: Timestamp, varType: string, varName: string, data: EventData): string {
  return `{"timestamp":${timestamp},"var_type":${JSON.stringify(varType)},"var_name":${JSON.stringify(varName)},"data":${JSON.stringify(data)}}`;
}
