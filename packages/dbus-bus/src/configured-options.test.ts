import { describe, expect, it } from 'vitest';
import { stableClientId } from './client-id.js';
import { checkConfiguration, type GatewayConfigurationInput } from './configuration.js';
import { connectorOptions, gatewayOptions, memoryBounds } from './configured-options.js';

const configure = (more: Partial<GatewayConfigurationInput> = {}, broker: object = {}) =>
  checkConfiguration({ broker: { host: 'h', ...broker }, ...more });

describe('the connection to the broker', () => {
  it("goes to each host in turn, at the original's port where none is given", () => {
    const brokers = (host: unknown, more = {}) => connectorOptions(configure({}, { host, ...more })).broker;
    expect(brokers('h')).toEqual(['mqtt://h:61613']);
    expect(brokers(['h', 'mqtts://i', '::1'])).toEqual(['mqtt://h:61613', 'mqtts://i', 'mqtt://[::1]:61613']);
    expect(brokers(['h', 'i'], { port: 1883 })).toEqual(['h', 'i']);
    expect(connectorOptions(configure({ tls: {} })).broker).toEqual(['mqtts://h:61613']);
  });

  it('has a session where there is something to keep in it', () => {
    const expiry = (more: Partial<GatewayConfigurationInput>, broker = {}) =>
      connectorOptions(configure(more, { client_id: 'box', ...broker })).sessionExpiry;
    expect(expiry({})).toBeUndefined();
    expect(expiry({ listened_topics: ['a'] })).toBe(86_400);
    expect(expiry({ qos: 2 })).toBe(86_400);
    expect(expiry({ qos: 2 }, { session_expiry: 0 })).toBe(0);
  });

  it('has a name of its own on each machine and for each broker, the same at each start', () => {
    const clientId = (host: string) => connectorOptions(configure({}, { host })).clientId;
    expect(clientId('a')).toBe(stableClientId(['a']));
    expect(clientId('a')).toBe(clientId('a'));
    expect(clientId('a') ?? 'a').not.toBe(clientId('b'));
    expect(clientId('a') ?? 'cstbox-0123456789abcdef').toMatch(/^cstbox-[0-9a-f]{16}$/);
  });

  it('counts in seconds in the file, and in ms in the code', () => {
    const broker = { connect_timeout: 1.5, retry: { min: 0.5, max: 2 }, keep_alive: 7, protocol: '3.1.1' };
    expect(connectorOptions(configure({}, broker))).toMatchObject({
      connectTimeoutMs: 1_500,
      reconnect: { minMs: 500, maxMs: 2_000 },
      keepAlive: 7,
      protocolVersion: '3.1.1',
    });
    const outbox = { max_messages: 5, max_bytes: 6, max_age: 7, give_up: 'newest' } as const;
    expect(memoryBounds(configure({ outbox }))).toEqual({
      maxMessages: 5,
      maxBytes: 6,
      maxAgeMs: 7_000,
      giveUp: 'newest',
    });
    const commands = { retained: 'accept', max_age: 8, timestamp_field: 'at', id_field: 'seq' } as const;
    expect(
      gatewayOptions(
        configure({ commands, shutdown_timeout: 9, filter_timeout: 0.5, max_hops: 3 }, { ack_timeout: 10 }),
      ),
    ).toEqual({
      qos: 1,
      policy: { retained: 'accept', maxAgeMs: 8_000, timestampField: 'at', idField: 'seq' },
      ackTimeoutMs: 10_000,
      stopTimeoutMs: 9_000,
      filterTimeoutMs: 500,
      maxHops: 3,
    });
  });
});
