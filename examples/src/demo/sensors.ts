import { type BasicEvent, makeBasicEvent, VarTypes } from '@cstbox/mqtt-core';

/** A simulated sensor: gives the event of its next measurement. */
export type Sensor = () => BasicEvent;

/** What is installed in the house. The energy meter has no rule in the example configuration: it stays inside. */
export const SENSORS: readonly Sensor[] = [
  drifting(VarTypes.TEMPERATURE, 'kitchen', 21.4, 0.3, 'degC'),
  drifting(VarTypes.POWER, 'washer', 410, 25, 'W'),
  happening(VarTypes.MOTION, 'hall'),
  drifting(VarTypes.TEMPERATURE, 'bedroom', 18.9, 0.2, 'degC'),
  toggling(VarTypes.OPENED, 'hall_door'),
  drifting(VarTypes.ENERGY, 'meter', 381.1, 0.2, 'kWh'),
  drifting(VarTypes.TEMPERATURE, 'bathroom', 23.1, 0.4, 'degC'),
  toggling(VarTypes.OPENED, 'bathroom_window'),
];

/** Wanders up and down, one step at most at a time. */
function drifting(varType: string, varName: string, start: number, step: number, unit: string): Sensor {
  let value = start;
  return () => {
    value += (Math.random() * 2 - 1) * step;
    return makeBasicEvent(varType, varName, Number(value.toFixed(1)), unit);
  };
}

function toggling(varType: string, varName: string): Sensor {
  let value = false;
  return () => {
    value = !value;
    return makeBasicEvent(varType, varName, value);
  };
}

/** Has no value: that it happens is all there is to say. */
function happening(varType: string, varName: string): Sensor {
  return () => makeBasicEvent(varType, varName);
}
