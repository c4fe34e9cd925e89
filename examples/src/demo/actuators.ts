import { type BasicEvent, makeBasicEvent, VarTypes } from '@cstbox/mqtt-core';

/** A simulated actuator: obeys a command and gives the event of its new state, or `undefined` when it is not meant. */
export type Actuator = (command: BasicEvent) => BasicEvent | undefined;

/** What is installed in the house. */
export const ACTUATORS: readonly Actuator[] = [
  light('kitchen_light'),
  light('hall_light'),
  dimmer('bedroom_lamp'),
  dimmer('kitchen_lamp'),
];

/** Understands `on`, `off`, `true` and `false`. */
function light(name: string): Actuator {
  return ({ varType, varName, value }) => {
    if (varType !== VarTypes.SWITCH || varName !== name) return undefined;
    if (!['on', 'off', 'true', 'false'].includes(String(value))) return undefined;
    return makeBasicEvent(varType, varName, ['on', 'true'].includes(String(value)) ? 'on' : 'off');
  };
}

/** Understands numbers, and keeps to what it can do: 0 to 100 %. */
function dimmer(name: string): Actuator {
  return ({ varType, varName, value }) => {
    if (varType !== VarTypes.DIM || varName !== name || typeof value !== 'number') return undefined;
    return makeBasicEvent(varType, varName, Math.min(100, Math.max(0, Math.round(value))), '%');
  };
}
