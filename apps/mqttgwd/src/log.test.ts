import { describe, expect, it } from 'vitest';
import { createLog, type LogOptions } from './log.js';

/** A log, and what it has written. */
function open(options: Partial<LogOptions> = {}) {
  const lines: string[] = [];
  const log = createLog({ level: 'INFO', format: 'human', write: (line) => void lines.push(line), ...options });
  return { log, lines, logger: log.logger('MQTTConnector') };
}

describe('the log', () => {
  it('has the lines of the original for people', () => {
    const { lines, logger } = open();
    logger.info('connector started');
    expect(lines).toEqual([
      expect.stringMatching(/^\d\d\/\d\d \d\d:\d\d:\d\d \[I\] MQTTConnector > connector started\n$/),
    ]);
  });

  it('has a JSON object a line for programs', () => {
    const { lines, logger } = open({ format: 'json' });
    logger.warn('a "name"\nof a stranger: %s {}');
    expect(lines[0]?.endsWith('}\n')).toBe(true);
    const { time, ...rest } = JSON.parse(lines[0] as string);
    expect(rest).toEqual({ level: 'warn', component: 'MQTTConnector', msg: 'a "name"\nof a stranger: %s {}' });
    expect(new Date(time).toISOString()).toBe(time);
    for (let n = 0; n < 5; n++) logger.warn('again');
    expect(lines).toHaveLength(4);
  });

  it.each([
    ['DEBUG', 'DIWE'],
    ['INFO', 'IWE'],
    ['WARN', 'WE'],
    ['ERROR', 'E'],
    ['CRITICAL', ''],
  ] as const)('has at %s no more than that', (level, letters) => {
    const { lines, logger } = open({ level });
    for (const each of ['debug', 'info', 'warn', 'error'] as const) logger[each](each);
    expect(lines.map((line) => /\[(.)\]/.exec(line)?.[1]).join('')).toBe(letters);
  });

  it('shows people no control characters: nobody can move their cursor, or forge a line', () => {
    const { lines, logger } = open();
    logger.warn('\x1b[2J\n22/11 07:44:58 [I] MQTTGateway > all is well\x85');
    expect(lines).toHaveLength(1);
    expect(lines[0]).toMatch(/> \\x1b\[2J\\x0a22\/11 .* all is well\\x85\n$/);
  });

  it('has no secrets, in whatever it remembers either', () => {
    const { lines, log, logger } = open({ redact: (text) => text.replaceAll('pl4nted', '***') });
    for (let n = 0; n < 5; n++) logger.error('the password is pl4nted');
    log.unfolded('a').info('pl4nted');
    log[Symbol.dispose]();
    expect(lines).toHaveLength(5);
    expect(lines.join('') + JSON.stringify(log.recent)).not.toContain('pl4nted');
  });

  it('folds what repeats itself, but not what is for debugging, nor what somebody asked for', () => {
    const { lines, log } = open({ level: 'DEBUG' });
    for (let n = 0; n < 10; n++) {
      log.logger('a').debug('step');
      log.logger('a').warn(`fault ${n}`);
      log.unfolded('a').info('waiting 0');
    }
    const count = (text: string) => lines.filter((line) => line.includes(text)).length;
    expect([count('step'), count('fault'), count('waiting')]).toEqual([10, 3, 10]);
    log[Symbol.dispose]();
    expect(lines.at(-1)).toMatch(/\[W\] a > fault 9 … \(7 like this from /);
  });

  it('remembers the last twenty warnings and errors, also those that its level leaves out', () => {
    const { log, lines } = open({ level: 'CRITICAL' });
    const { warn, error, info } = log.unfolded('Outbox');
    for (let n = 0; n < 25; n++) warn(`w${n}`);
    info('x');
    error('e');
    expect(lines).toEqual([]);
    expect(log.recent).toHaveLength(20);
    expect(log.recent[0]?.msg).toBe('w6');
    expect(log.recent.at(-1)).toEqual({ time: expect.any(Number), level: 'error', component: 'Outbox', msg: 'e' });
  });
});
