import { distance } from './check-keys.js';

/** A unit, for the library that converts. */
export interface Unit {
  /** What the library calls it. */
  readonly expression: string;
  /** What keeps it apart from others of the same dimension: a var is no watt, a decibel no percentage. */
  readonly kind?: string;
}

/** Names in use that the library understands as they are. */
const NAMES = `W mW kW MW GW J kJ MJ GJ mWh Wh kWh MWh GWh kcal BTU V mV kV A mA uA Ah mAh Hz kHz MHz kOhm MOhm
m mm cm km in ft m2 km2 cm2 m3 dm3 cm3 l L ml cl hl l/s l/min l/h m3/s m3/h m3/min m/s km/h mph m/h mm/h m/s2
Pa hPa kPa MPa bar mbar psi mmHg inHg s ms us min h d g mg kg t N kN g/m3 mg/m3 ug/m3 kg/m3 W/m2 kW/m2 Wh/m2 kWh/m2
lm cd cd/m2 rad deg rpm ppm ppb B kB MB GB KiB MiB GiB bit bit/s B/s Mbit/s MB/s`.split(/\s+/);

/** Other names in use, by what the library calls them. */
const SPELLINGS: Readonly<Record<string, readonly string[]>> = {
  tempC: ['°C', '℃', 'degC', 'Cel', 'celsius', 'Celsius'],
  tempF: ['°F', '℉', 'degF', 'fahrenheit', 'Fahrenheit'],
  tempK: ['K', 'degK', 'kelvin', 'Kelvin'],
  lux: ['lx', 'lux'],
  klux: ['klx'],
  ohm: ['Ohm', 'ohm', 'Ω'],
  'A*s': ['As'],
  deg: ['°'],
  '%': ['%', '%RH', '/100', 'percent', 'Percent'],
  '0.1 %': ['‰', '/1000'],
  '1': ['/', '1'],
};

/** Names of units that the library takes for the same as others, by what they measure. */
const KINDS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  'reactive power': { var: 'var', kvar: 'kvar', Mvar: 'Mvar' },
  'reactive energy': { vars: 'var*s', varh: 'var*h', kvarh: 'kvar*h', Mvarh: 'Mvar*h' },
  'apparent power': { VA: 'VA', kVA: 'kVA', MVA: 'MVA' },
  'apparent energy': { VAs: 'VA*s', VAh: 'VA*h', kVAh: 'kVA*h', MVAh: 'MVA*h' },
  'energy per distance': { 'J/m': 'J/m', 'Wh/km': 'Wh/km', 'kWh/km': 'kWh/km' },
  level: { dB: 'dB' },
  'sound level': { dBA: 'dB', 'dB(A)': 'dB' },
  acidity: { pH: '1' },
  number: { count: 'count', imp: 'count', pulses: 'count' },
};

const USUAL: ReadonlyMap<string, Unit> = new Map<string, Unit>([
  ...NAMES.map((name) => [name, { expression: name }] as const),
  ...Object.entries(SPELLINGS).flatMap(([expression, names]) => names.map((name) => [name, { expression }] as const)),
  ...Object.entries(KINDS).flatMap(([kind, names]) =>
    Object.entries(names).map(([name, expression]) => [name, { expression, kind }] as const),
  ),
]);

/** Names that two units share: a mistake between them would be believed. */
const AMBIGUOUS: Readonly<Record<string, string>> = {
  C: "'C' is Celsius to some and coulomb to others: write °C or As",
  F: "'F' is Fahrenheit to some and farad to others: write °F",
};

/** Why nobody can tell which unit is meant, or `undefined` when that is not so. */
export function ambiguity(name: string): string | undefined {
  return Object.hasOwn(AMBIGUOUS, name) ? AMBIGUOUS[name] : undefined;
}

/** A unit by one of the names that are in use for it. Takes any text: what a bus says need not be a unit. */
export function usualUnit(name: string): Unit | undefined {
  return USUAL.get(name) ?? USUAL.get(plain(name));
}

/** The usual names that a wrong one is next to: those that differ in capitals alone, or else the nearest, in a letter or two. */
export function similarUnits(name: string): readonly string[] {
  const names = [...USUAL.keys()];
  const lower = name.toLowerCase();
  const inCapitals = names.filter((other) => other.toLowerCase() === lower);
  if (inCapitals.length > 0) return inCapitals;
  const most = Math.min(2, Math.floor(name.length / 3));
  const [nearest = ''] = names.toSorted((a, b) => distance(name, a) - distance(name, b));
  return distance(name, nearest) <= most ? [nearest] : [];
}

/** A name without the characters that keyboards lack: `m³/h` is `m3/h`, `µg` is `ug`. */
export function plain(name: string): string {
  return name.length > MAX_CHARS ? '' : name.trim().replace(/[²³µμ]/g, (sign) => PLAIN[sign] as string);
}

/** No name of a unit is longer. The library takes seconds for some long texts. */
const MAX_CHARS = 32;
const PLAIN: Readonly<Record<string, string>> = { '²': '2', '³': '3', µ: 'u', μ: 'u' };
