import type { Logger } from '@cstbox/mqtt-core';
import { type Level, pino, stdTimeFunctions } from 'pino';
import { Folding } from './folding.js';
import { harmless } from './terminal.js';
import { dayAndTime } from './time-of-day.js';

/** The original's levels, from talkative to quiet; nothing that a component logs is as grave as `CRITICAL`. */
export const LOG_LEVELS = ['DEBUG', 'INFO', 'WARN', 'ERROR', 'CRITICAL'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** For people, lines as the original writes them; for programs, a JSON object a line. */
export const LOG_FORMATS = ['auto', 'human', 'json'] as const;
export type LogFormat = (typeof LOG_FORMATS)[number];

/** How a log is to be. */
export interface LogOptions {
  /** What is less grave is not written. */
  level: LogLevel;
  format: Exclude<LogFormat, 'auto'>;
  /** Takes each line, with its end. */
  write: (line: string) => void;
  /** Takes out of a text what nobody may read. Default: nothing is taken out. */
  redact?: (text: string) => string;
}

/** A warning or an error, as it was logged. */
export interface LogRecord {
  /** In ms since the Epoch. */
  readonly time: number;
  readonly level: 'warn' | 'error';
  readonly component: string;
  readonly msg: string;
}

/** The log of a process. Disposing writes what is still to be said of lines that were folded. */
export interface Log extends Disposable {
  /** The logger of a component. What it repeats is folded: see {@link Folding}. */
  logger(component: string): Logger;
  /** The same for what somebody asked for: each line is written. */
  unfolded(component: string): Logger;
  /** The last 20 warnings and errors, oldest first, whatever the level. */
  readonly recent: readonly LogRecord[];
}

const REMEMBERED = 20;
const PINO_LEVELS = { DEBUG: 'debug', INFO: 'info', WARN: 'warn', ERROR: 'error', CRITICAL: 'fatal' } as const;

/** Opens a log; every line is written at once. */
export function createLog({ level, format, write, redact = (text) => text }: LogOptions): Log {
  const sink = pino(
    {
      level: PINO_LEVELS[level],
      base: null,
      timestamp: stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
    },
    { write: format === 'json' ? write : (line) => write(humanLine(JSON.parse(line))) },
  );
  const recent: LogRecord[] = [];
  const folding = new Folding();

  const loggerOf = (component: string, folds: boolean): Logger => {
    const own = sink.child({ component });
    const at = (each: keyof Logger) => {
      const isGrave = each === 'warn' || each === 'error';
      if (!isGrave && !own.isLevelEnabled(each)) return () => {};
      const put = (msg: string, repeated?: number) => {
        if (repeated === undefined) own[each](msg);
        else own[each]({ repeated }, msg);
        if (!isGrave) return;
        recent.push({ time: Date.now(), level: each, component, msg });
        if (recent.length > REMEMBERED) recent.shift();
      };
      if (!folds || each === 'debug') return (text: string) => put(redact(text));
      return (text: string) => folding.take(`${component} ${each}`, redact(text), put);
    };
    return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') };
  };
  return {
    logger: (component) => loggerOf(component, true),
    unfolded: (component) => loggerOf(component, false),
    recent,
    [Symbol.dispose]: () => folding[Symbol.dispose](),
  };
}

/** `auto` is for people where the stream is a terminal, and for programs everywhere else. */
export function formatFor(format: LogFormat, { isTTY }: { isTTY?: boolean | undefined }): LogOptions['format'] {
  if (format !== 'auto') return format;
  return isTTY ? 'human' : 'json';
}

interface Line {
  readonly time: string;
  readonly level: Level;
  readonly component: string;
  readonly msg: string;
}

/** `22/11 07:44:58 [I] MQTTConnector > connector started` */
function humanLine({ time, level, component, msg }: Line): string {
  return `${dayAndTime(new Date(time))} [${level[0]?.toUpperCase()}] ${component} > ${harmless(msg)}\n`;
}
