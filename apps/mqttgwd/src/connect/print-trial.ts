import { harmless, type Paint, wrap } from '../terminal.js';
import type { Step, Trial } from './trials.js';

const LABELS: Readonly<Record<Step, string>> = {
  bus: 'bus',
  event_manager: 'event manager',
  own_name: 'name',
  resolve: 'DNS',
  tcp: 'TCP',
  tls: 'TLS',
  websocket: 'WebSocket',
  mqtt: 'MQTT',
  subscribe: 'subscriptions',
  probe: 'probe',
  disconnect: 'disconnect',
};

const MARKS = {
  ok: { text: 'ok', colour: 'green' },
  info: { text: 'info', colour: 'cyan' },
  warning: { text: 'warn', colour: 'yellow' },
  failed: { text: 'FAIL', colour: 'red' },
} as const;

/** Room for the mark and a space. */
const INDENT = '      ';

/** What a step has found, for a terminal: `ok    TCP 12 ms  connected to 192.0.2.7 port 8883`. */
export function printTrial({ step, outcome, durationMs, message }: Trial, paint: Paint, place?: string): string {
  const { text, colour } = MARKS[outcome];
  const at = place === undefined ? '' : ` (${place})`;
  const label = `${text.padEnd(INDENT.length)}${LABELS[step]} ${Math.round(durationMs)} ms`;
  const lines = wrap(harmless(`${label}  ${message}${at}`), { indent: INDENT });
  return `${paint[colour](text)}${lines.slice(text.length)}\n`;
}
