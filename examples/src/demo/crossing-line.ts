import type { BasicEvent, Crossing, MQTTMessage, OutboundMessage } from '@cstbox/mqtt-core';

/** Something that crossed the gateway, and what became of it. */
export interface Passage {
  direction: 'out' | 'in';
  channel: string;
  event: BasicEvent;
  message: Pick<OutboundMessage | MQTTMessage, 'topic' | 'payload'>;
}

/** What crossed: a message that came in may be several events. */
export function passagesOf(crossing: Crossing): Passage[] {
  if (crossing.outcome !== 'accepted') return [];
  const { direction, message } = crossing;
  if (direction === 'out') return [crossing];
  return crossing.events.map(({ channel, event }) => ({ direction, channel, event, message }));
}

/** How a line is laid out. */
export interface LineStyle {
  /** Columns of the terminal; `undefined` where there is none: then nothing is cut. */
  width: number | undefined;
  colours: boolean;
}

/** Channel, variable, value. */
const BUS_WIDTHS = [7, 22, 9];
/** Topic, payload. */
const MQTT_WIDTHS = [25, 0];
/** Both sides of an arrow take the same columns, whichever way something crosses. */
const LEFT_WIDTH = 40;
/** What the demo's events need in columns; a narrower terminal gets none, so that its lines look alike. */
const WIDE = 120;

const DIM = 2;
const GREEN = 32;
const YELLOW = 33;

/** What stands at the head of a line: the time and the way. */
interface Head {
  time: Date;
  way: string;
  colour: number;
}

/**
 * What crossed the gateway: where it came from, an arrow, and what became of it. Two lines where one is too short; the
 * head of a payload gives way to its data.
 */
export function crossingLine({ direction, channel, event, message }: Passage, time: Date, style: LineStyle): string {
  const onBus = busCells(channel, event);
  const whole = [message.topic, text(message.payload)].map(printable);
  const short = [whole[0], dataOf(whole[1] as string)] as string[];

  const inColumns = (onMqtt: string[]) => {
    const [bus, mqtt] = [columns(onBus, BUS_WIDTHS), columns(onMqtt, MQTT_WIDTHS)];
    const [from, to] = direction === 'out' ? [bus, mqtt] : [mqtt.trimEnd(), bus];
    return `${from.padEnd(LEFT_WIDTH)} → ${to.trimEnd()}`;
  };
  const [from, to] = direction === 'out' ? [closeUp(onBus), closeUp(short)] : [closeUp(short), closeUp(onBus)];
  const layouts = [[`${from} → ${to}`], [from, `→ ${to}`]];
  if (isWide(style)) layouts.unshift([inColumns(whole)], [inColumns(short)]);
  const head = direction === 'out' ? { time, way: 'out', colour: GREEN } : { time, way: 'in', colour: YELLOW };
  return fitting(head, layouts, style);
}

/** An event that no rule lets out. */
export function stayingLine(channel: string, event: BasicEvent, time: Date, style: LineStyle): string {
  const onBus = busCells(channel, event);
  const body = `${isWide(style) ? columns(onBus, BUS_WIDTHS).trimEnd() : closeUp(onBus)}: no rule for it, it stays in`;
  const line = fitting({ time, way: '–', colour: DIM }, [[body]], { ...style, colours: false });
  return paint(DIM, line, style);
}

/** The first layout that fits the terminal; the last one, cut, where none does. */
function fitting({ time, way, colour }: Head, layouts: string[][], style: LineStyle): string {
  const clock = `${time.toTimeString().slice(0, 8)} `;
  const sign = way.padEnd(3);
  const indent = clock.length + sign.length + 1;
  const room = Math.max(0, (style.width ?? Number.POSITIVE_INFINITY) - indent);
  const lines = layouts.find((each) => each.every((line) => line.length <= room)) ?? (layouts.at(-1) as string[]);
  const body = lines.map((line) => cut(line, room)).join(`\n${' '.repeat(indent)}`);
  return `${paint(DIM, clock, style)}${paint(colour, sign, style)} ${body}`;
}

function isWide({ width }: LineStyle): boolean {
  return width === undefined || width >= WIDE;
}

function busCells(channel: string, { varType, varName, value, data }: BasicEvent): string[] {
  const measured = [value, data.unit].filter((part) => part !== undefined).join(' ');
  return [channel, `${varType}:${varName}`, measured].map(printable);
}

function columns(cells: string[], widths: number[]): string {
  return cells.map((cell, index) => cell.padEnd(widths[index] as number)).join(' ');
}

function closeUp(cells: string[]): string {
  return cells.filter((cell) => cell !== '').join(' ');
}

/** The default payload repeats what stands on the line already; its data are what is new. */
function dataOf(payload: string): string {
  const start = payload.indexOf('"data":');
  return payload.startsWith('{"timestamp":') && start > 0 ? `{…${payload.slice(start)}` : payload;
}

function text(payload: string | Uint8Array): string {
  return typeof payload === 'string' ? payload : Buffer.from(payload).toString();
}

function cut(line: string, width: number): string {
  return line.length > width ? `${line.slice(0, Math.max(0, width - 1))}…` : line;
}

function paint(code: number, part: string, { colours }: LineStyle): string {
  return colours ? `\x1b[${code}m${part}\x1b[0m` : part;
}

/** Whatever strangers send, it gives the terminal no orders. */
function printable(line: string): string {
  return line.replaceAll(/[\p{Cc}\p{Cf}\u2028\u2029]/gu, '·');
}
