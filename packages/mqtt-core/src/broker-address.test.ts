import { describe, expect, it } from 'vitest';
import { formatBrokerAddress, parseBrokerAddress } from './broker-address.js';
import { ConfigurationError } from './errors.js';

describe('a broker address', () => {
  it.each([
    ['broker.example', undefined, false, 'mqtt://broker.example:1883'],
    ['broker.example', 61613, false, 'mqtt://broker.example:61613'],
    ['broker.example', undefined, true, 'mqtts://broker.example:8883'],
    ['192.0.2.1', 1883, false, 'mqtt://192.0.2.1:1883'],
    ['::1', 1883, false, 'mqtt://[::1]:1883'],
    ['mqtt://h', undefined, false, 'mqtt://h:1883'],
    ['tcp://h:1884', undefined, false, 'mqtt://h:1884'],
    ['mqtt://h:1884', 1885, false, 'mqtt://h:1884'],
    ['mqtt://h', 1885, false, 'mqtt://h:1885'],
    ['mqtts://h', undefined, false, 'mqtts://h:8883'],
    ['mqtts://h', undefined, true, 'mqtts://h:8883'],
    ['ssl://h', undefined, true, 'mqtts://h:8883'],
    ['mqtt://[::1]:1883', undefined, false, 'mqtt://[::1]:1883'],
    ['ws://h', undefined, false, 'ws://h:80/'],
    ['ws://h:9001/mqtt?x=1', undefined, false, 'ws://h:9001/mqtt'],
    ['wss://h/mqtt', undefined, true, 'wss://h:443/mqtt'],
  ])('%s, port %s, TLS %s is %s', (broker, port, tls, url) => {
    expect(formatBrokerAddress(parseBrokerAddress(broker, port, tls))).toBe(url);
  });

  it.each([
    ['', undefined, false, 'neither a host name nor a broker URL'],
    ['a b', undefined, false, 'neither a host name nor a broker URL'],
    ['h:1883', undefined, false, "write 'mqtt://h:1883'"],
    ['http://h', undefined, false, 'mqtt, mqtts, ws or wss'],
    ['mqtt://', undefined, false, 'mqtt, mqtts, ws or wss'],
    ['mqtt://h:99999', undefined, false, 'mqtt, mqtts, ws or wss'],
    ['h', 0, false, 'from 1 to 65535'],
    ['mqtt://h:0', undefined, false, 'from 1 to 65535'],
    ['h', 65_536, false, 'from 1 to 65535'],
    ['h', 1.5, false, 'from 1 to 65535'],
    ['mqtt://h', undefined, true, 'use mqtts://'],
    ['ws://h', undefined, true, 'use wss://'],
  ])('%s, port %s, TLS %s is refused: %s', (broker, port, tls, why) => {
    expect(() => parseBrokerAddress(broker, port, tls)).toThrow(ConfigurationError);
    expect(() => parseBrokerAddress(broker, port, tls)).toThrow(why);
  });

  it('keeps the query of a WebSocket URL, which may hold a token, out of logs', () => {
    const address = parseBrokerAddress('wss://h/mqtt?token=t0ken', undefined, false);
    expect(address.path).toBe('/mqtt?token=t0ken');
    expect(formatBrokerAddress(address)).toBe('wss://h:443/mqtt');
  });

  it('holds no credentials, and a refused one does not repeat them', () => {
    const secret = 'hunter2';
    for (const url of [`mqtt://user:${secret}@h`, `http://user:${secret}@h`]) {
      expect(() => parseBrokerAddress(url, undefined, false)).toThrow(ConfigurationError);
      expect(() => parseBrokerAddress(url, undefined, false)).not.toThrow(secret);
    }
  });
});
