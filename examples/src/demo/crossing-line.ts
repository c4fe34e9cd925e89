import type { BasicEvent, Crossing } from '@cstbox/mqtt-core';

/** How a line is laid out. */
export interface LineStyle {
  /** Columns of the terminal. What does not fit is cut. */
  width: number;
  colours: boolean;
}

const CHANNEL_WIDTH = 7;
const VARIABLE_WIDTH = 22;
const VALUE_WIDTH = 9;
const TOPIC_WIDTH = 26;
/** Both sides of an arrow take the same columns, whichever way something crosses. */
const LEFT_WIDTH = CHANNEL_WIDTH + 1 + VARIABLE_WIDTH + 1 + VALUE_WIDTH;

/** One line for what crossed the gateway: where it came from, an arrow, and what became of it. */
export function crossingLine(crossing: Crossing, time: Date, { width, colours }: LineStyle): string {
  const { direction, channel, event, message } = crossing;
  const clock = time.toTimeString().slice(0, 8);
  const onBus = [fit(channel, CHANNEL_WIDTH), fit(variable(event), VARIABLE_WIDTH), fit(value(event), VALUE_WIDTH)];
  const onMqtt = `${fit(message.topic, TOPIC_WIDTH)} ${text(message.payload)}`;
  const [from, to] = direction === 'out' ? [onBus.join(' '), onMqtt] : [onMqtt, onBus.join(' ')];
  const paint = (code: number, part: string) => (colours ? `\x1b[${code}m${part}\x1b[0m` : part);

  const head = `${clock} `;
  const way = direction === 'out' ? 'out' : 'in ';
  const body = `${fit(from, LEFT_WIDTH)} → ${to}`;
  const room = Math.max(0, width - head.length - way.length - 1);
  return `${paint(2, head)}${paint(direction === 'out' ? 32 : 33, way)} ${cut(printable(body), room).trimEnd()}`;
}

function variable({ varType, varName }: BasicEvent): string {
  return `${varType}:${varName}`;
}

function value({ value: measured, data }: BasicEvent): string {
  return [measured, data.unit].filter((part) => part !== undefined).join(' ');
}

function text(payload: string | Uint8Array): string {
  return typeof payload === 'string' ? payload : Buffer.from(payload).toString();
}

function fit(cell: string, width: number): string {
  return cut(printable(cell), width).padEnd(width);
}

function cut(line: string, width: number): string {
  return line.length > width ? `${line.slice(0, Math.max(0, width - 1))}…` : line;
}

/** Whatever strangers send, it gives the terminal no orders. */
function printable(line: string): string {
  return line.replaceAll(/[\p{Cc}\p{Cf}\u2028\u2029]/gu, '·');
}
