import { describe, expect, it } from 'vitest';
import { ConfigurationError, MQTTConnectionError, MQTTGatewayError, MQTTNotConnectedError } from './errors.js';
import { describeError } from './logger.js';

describe('the errors', () => {
  it('are all MQTTGatewayErrors with a code', () => {
    const errors = [new ConfigurationError('x'), new MQTTConnectionError('x'), new MQTTNotConnectedError()];
    expect(errors.every((error) => error instanceof MQTTGatewayError)).toBe(true);
    expect(errors.map(({ code }) => code)).toEqual(['configuration', 'broker_unreachable', 'not_connected']);
    expect(errors.map(({ name }) => name)).toEqual([
      'ConfigurationError',
      'MQTTConnectionError',
      'MQTTNotConnectedError',
    ]);
  });

  it('keep their cause', () => {
    const cause = new Error('below');
    expect(new MQTTConnectionError('x', { cause }).cause).toBe(cause);
  });
});

describe('a configuration error', () => {
  it('says every problem on a line of its own, with the place as far as it is known', () => {
    const error = new ConfigurationError([
      { path: ['broker', 'port'], message: 'expected a port', file: '/etc/x.cfg', line: 3, column: 5 },
      { path: ['filters', 'outbound', 'rules', 2, 0], message: 'invalid regex (() : why' },
      { path: [], message: 'whole' },
    ]);
    expect(error.message.split('\n')).toEqual([
      '/etc/x.cfg:3:5: expected a port (at broker.port)',
      'invalid regex (() : why (at filters.outbound.rules[2][0])',
      'whole',
    ]);
    expect(error.problems).toHaveLength(3);
  });
});

describe('describeError', () => {
  it('finds words for errors without a message', () => {
    const refused = (address: string) => new Error(`connect ECONNREFUSED ${address}`);
    expect(describeError(new AggregateError([refused('::1'), refused('127.0.0.1')]))).toBe(
      'connect ECONNREFUSED ::1; connect ECONNREFUSED 127.0.0.1',
    );
    expect(describeError(Object.assign(new Error(''), { code: 'EPIPE' }))).toBe('EPIPE');
    expect(describeError('text')).toBe('text');
  });
});
