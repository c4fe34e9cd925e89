import { ConfigurationError } from '@cstbox/mqtt-core';
import { describe, expect, it } from 'vitest';
import { parseDBusAddress } from './dbus-address.js';

const abstractSocketsWork = Number.parseInt(process.versions.node, 10) >= 22;

describe('a D-Bus address', () => {
  it.each([
    ['unix:path=/run/bus', [{ path: '/run/bus' }]],
    ['unix:path=/run/bus,guid=0123456789abcdef', [{ path: '/run/bus' }]],
    ['unix:guid=01,path=/a%20b%2cc%3a', [{ path: '/a b,c:' }]],
    ['tcp:host=127.0.0.1,port=4000', [{ host: '127.0.0.1', port: 4000 }]],
    ['tcp:port=4000,family=ipv4', [{ host: 'localhost', port: 4000 }]],
    ['unix:path=/a;tcp:port=1;', [{ path: '/a' }, { host: 'localhost', port: 1 }]],
    ['launchd:env=X;unix:path=/a', [{ path: '/a' }]],
  ])('%s', (text, expected) => {
    expect(parseDBusAddress(text)).toEqual(expected);
  });

  it.each([
    ['', 'no usable D-Bus address given'],
    ['/run/bus', "transport '/run/bus' is not supported"],
    ['unixexec:path=/bin/true', "transport 'unixexec' is not supported"],
    ['unix:tmpdir=/tmp', 'needs path, abstract or runtime=yes'],
    ['tcp:host=h', 'needs a port'],
    ['tcp:host=h,port=70000', 'needs a port'],
  ])('%j is refused: %s', (text, why) => {
    expect(() => parseDBusAddress(text)).toThrow(ConfigurationError);
    expect(() => parseDBusAddress(text)).toThrow(why);
  });

  it.runIf(abstractSocketsWork)('may be abstract', () => {
    expect(parseDBusAddress('unix:abstract=/tmp/dbus-X,guid=1')).toEqual([{ path: '\0/tmp/dbus-X' }]);
  });

  it.skipIf(abstractSocketsWork)('may not be abstract on this Node.js, with a way out', () => {
    expect(() => parseDBusAddress('unix:abstract=/tmp/dbus-X')).toThrow(/Node.js 22.*unix:path/);
  });
});
