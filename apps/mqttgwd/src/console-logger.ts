import type { Logger } from '@cstbox/mqtt-core';

/** The original's levels, from talkative to quiet. */
export const LOG_LEVELS = ['DEBUG', 'INFO', 'WARN', 'ERROR', 'CRITICAL'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** Makes the logger of a component: lines like `22/11 07:44:58 [I] MQTTConnector > connector started`, as the original. */
export function consoleLogger(level: LogLevel, write: (line: string) => void): (component: string) => Logger {
  const enabled = (each: LogLevel) => LOG_LEVELS.indexOf(each) >= LOG_LEVELS.indexOf(level);
  return (component) => {
    const at = (each: LogLevel) =>
      enabled(each)
        ? (message: string) => write(`${timeOfDay(new Date())} [${each[0]}] ${component} > ${message}\n`)
        : () => {};
    return { debug: at('DEBUG'), info: at('INFO'), warn: at('WARN'), error: at('ERROR') };
  };
}

function timeOfDay(date: Date): string {
  const two = (value: number) => String(value).padStart(2, '0');
  const day = `${two(date.getDate())}/${two(date.getMonth() + 1)}`;
  return `${day} ${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
}
