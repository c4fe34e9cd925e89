import type { StatusReport } from '@cstbox/dbus-bus';
import { makeBasicEvent } from '@cstbox/mqtt-core';
import { brokerKinds, dbusDaemonMissing, startBus, stopProcess, waitFor } from '@cstbox/test-peers';
import { describe, expect, it } from 'vitest';
import { Daemon, openHouse, run, workplace } from '../test/daemon.js';
import { inWords } from './duration.js';
import { LiveScreen } from './live-screen.js';
import { statusLines } from './status-lines.js';
import { paintFor } from './terminal.js';

const PLAIN = paintFor({ write() {} }, {});

/** A status in which everything is long and large. */
function longStatus(): StatusReport {
  const large = { received: 9_007_199_254_740_991, forwarded: 123_456_789, filtered: 0, dropped: {}, waiting: 1 };
  const rule = (name: string) => ({ name, ...large, dropped: { superseded: 5_000_000_000 } });
  const names = Array.from({ length: 9 }, (_, index) => `rule ${index} ${'(?P<room>[a-z]+)'.repeat(index)}`);
  const direction = { ...large, filters: [rule('a'), rule('b\x1b[31m')], rules: names.map(rule) };
  const rates = { last10s: 123_456, last1min: 0.04, last10min: 99.96 };
  return {
    version: '1.2.3',
    time: 1_000_000_000_000,
    since: 0,
    configuration: `/etc/${'directory/'.repeat(20)}gateway.json`,
    simulate: true,
    links: {
      bus: { state: 'attached', since: 0, address: `unix:path=/run/${'x'.repeat(100)}` },
      eventManager: { state: 'away', since: 999_999_990_100 },
      broker: {
        state: 'connecting',
        broker: `mqtts://${'broker.'.repeat(12)}example.org:8883`,
        since: 999_999_000_000,
        fault: 'the certificate is for another name, \x07 and more than that it is not to be trusted at all, nor read',
        attempts: 1_000,
      },
    },
    outbox: { waiting: 100_000, held: 7, oldest: 999_000_000_000, durability: 'spill', directory: '/var/lib/mqttgwd' },
    commands: { waiting: 3 },
    rates: { out: { received: rates, forwarded: rates }, in: { received: rates, forwarded: rates } },
    counts: { out: direction, in: direction, replies: { sent: 1, lost: 2 } },
    faults: Array.from({ length: 7 }, (_, time) => ({
      time,
      level: 'warn',
      component: 'C',
      msg: `${'long '.repeat(40)}`,
    })),
  };
}

describe('a status for people', () => {
  it('fits 80 columns whatever it says, and gives the terminal no orders', () => {
    const lines = statusLines(longStatus(), { paint: PLAIN, rules: false });
    expect(lines.filter((line) => line.length > 80)).toEqual([]);
    expect(lines.join('')).not.toMatch(/\p{Cc}/u);
    const text = lines.join('\n');
    expect(text).toContain('mqttgwd 1.2.3, running for 11574 d 1 h\n');
    expect(text).toContain('simulated: nothing is published');
    expect(text).toMatch(/event manager {2}away {7}for 9.9 s\n/);
    expect(text).toMatch(/broker {9}connecting for 16 min 40 s/);
    expect(text).toMatch(
      /outbox {9}100000 waiting, the oldest for 11 d 13 h, 7 held back by\n {15}throttle; spill in /,
    );
    expect(text).toMatch(/bus to MQTT +9\.007P 123456789 +0 +0 +1\n/);
    expect(text).toContain('and 4 more: --rules shows all');
  });

  it('says what is wrong before what is usual', () => {
    const lines = statusLines(longStatus(), { paint: PLAIN, rules: false });
    const places = ['broker ', 'last warnings', 'per second', '    received', 'rules, bus to MQTT'].map((part) =>
      lines.findIndex((line) => line.includes(part)),
    );
    expect(places).toEqual(places.toSorted((a, b) => a - b));
    expect(places).not.toContain(-1);
  });

  it('shows links, the newest warning and the counts on a small terminal, and how much is missing', () => {
    const direction = { received: 6, forwarded: 5, filtered: 1, dropped: {}, waiting: 0, filters: [], rules: [] };
    const fault = (time: number) => ({
      time,
      level: 'warn' as const,
      component: 'C',
      msg: `${time} ${'long '.repeat(15)}`,
    });
    const usual: StatusReport = {
      ...longStatus(),
      configuration: '/etc/gateway.json',
      links: { ...longStatus().links, broker: { state: 'connected', broker: 'mqtt://b', since: 0, attempts: 0 } },
      counts: { out: direction, in: direction, replies: { sent: 0, lost: 0 } },
      faults: [fault(1), fault(2), fault(3)],
    };
    for (const status of [usual, { ...usual, faults: [fault(1), fault(2), ...longStatus().faults] }]) {
      const lines = statusLines(status, { paint: PLAIN, rules: false, room: 23 });
      const whole = statusLines(status, { paint: PLAIN, rules: false });
      const text = lines.join('\n');
      expect(lines.length).toBeLessThanOrEqual(23);
      expect(text).toMatch(/^broker /m);
      expect(text).toMatch(/^last warnings and errors\n.* C > /m);
      expect(text).toMatch(/^MQTT to bus +6 +5 +1 +0 +0$/m);
      expect(lines.at(-1)).toBe(`… ${whole.length - lines.length + 1} more lines: mqttgwd status shows all`);
    }
    expect(statusLines(usual, { paint: PLAIN, rules: false, room: 60 }).join('\n')).not.toContain('more lines');
  });

  it('shows all rules when they are wanted', () => {
    const text = statusLines(longStatus(), { paint: PLAIN, rules: true }).join('\n');
    expect(text.match(/^rule \d /gm)).toHaveLength(18);
    expect(text).not.toContain('more: --rules');
  });

  it.each([
    [0, '0 s'],
    [1_240, '1.2 s'],
    [9_960, '10 s'],
    [59_600, '1 min'],
    [3_600_000, '1 h'],
    [7_500_000, '2 h 5 min'],
    [90_061_000, '1 d 1 h'],
    [86_460_000, '1 d'],
    [-5, '0 s'],
  ])('says %i ms as %s', (ms, words) => {
    expect(inWords(ms)).toBe(words);
  });

  it('is refreshed in place on a terminal, which is given back', () => {
    const written: string[] = [];
    const output = { isTTY: true, rows: 4, write: (text: string) => written.push(text) };
    {
      using screen = new LiveScreen(output);
      screen.show(['one', 'two']);
      screen.show(['1', '2', '3', '4']);
    }
    expect(written.join('')).toBe(
      '\x1b[?1049h\x1b[?25l\x1b[Hone\x1b[K\ntwo\x1b[K\n\x1b[J\x1b[H1\x1b[K\n2\x1b[K\n…\x1b[K\n\x1b[J\x1b[?25h\x1b[?1049l',
    );
  });
});

describe.skipIf(dbusDaemonMissing())('mqttgwd status', () => {
  it('shows a running gateway, whose bus the environment or its configuration names', async () => {
    await using house = await openHouse(brokerKinds[0] as 'mosquitto', {});
    for (let n = 0; n < 5; n++) await house.events.emit('sensor', makeBasicEvent('temperature', 'kitchen', n));
    await house.events.emit('sensor', makeBasicEvent('motion', 'hall'));
    await house.user.publish('site/kitchen/set/light', Buffer.from([0xff]), { qos: 1 });
    const read = async () => {
      const { code, printed } = await run(['status', '--json'], house.environment);
      expect(code).toBe(0);
      return JSON.parse(printed) as StatusReport;
    };
    let status = await read();
    await waitFor('all to be forwarded', async () => {
      status = await read();
      return status.counts.out.forwarded === 5 && status.counts.in.received === 1;
    });
    expect(status).toMatchObject({
      configuration: house.configuration,
      links: { bus: { state: 'attached' }, broker: { state: 'connected' } },
      outbox: { waiting: 0, durability: 'spill', directory: `${house.place.directory}/outbox` },
      counts: {
        out: { received: 6, forwarded: 5, filtered: 1, rules: [{ name: expect.stringContaining('temperature') }] },
        in: { received: 1, dropped: { not_utf8: 1 } },
      },
      faults: [{ level: 'warn', component: 'MQTTGateway' }],
    });

    const { DBUS_SESSION_BUS_ADDRESS: address } = house.environment;
    await house.place.file('bus.json', { dbus: { address_file: 'bus' }, broker: 7 });
    await house.place.file('bus', address);
    const elsewhere = { DBUS_SESSION_BUS_ADDRESS: 'unix:path=/nowhere', COLUMNS: '80' };
    const { code, printed } = await run(['-c', `${house.place.directory}/bus.json`, 'status'], elsewhere);
    expect([code, printed]).toEqual([0, expect.stringMatching(/^broker +connected +for /m)]);
    expect(printed).toMatch(/^bus to MQTT +6 +5 +1 +0 +0$/m);
    expect(printed).not.toContain('\x1b');

    await house.place.file('broken.json', '{ "broker": ');
    const broken = ['status', '-c', `${house.place.directory}/broken.json`];
    expect(await run(broken, house.environment)).toMatchObject({ code: 0 });
    expect(await run(broken, elsewhere)).toEqual({
      code: 69,
      printed: expect.stringMatching(
        /no bus answers at unix:path=\/nowhere.*is the bus running.*\n.*not asked: .*broken\.json:1:/,
      ),
    });
  });

  it('says that none runs, and goes on to watch through a restart until Ctrl-C', async () => {
    await using bus = await startBus();
    const environment = { DBUS_SESSION_BUS_ADDRESS: bus.address };
    expect(await run(['status'], environment)).toEqual({
      code: 69,
      printed: expect.stringMatching(
        /no gateway runs on this bus \(the address comes from DBUS_SESSION_BUS_ADDRESS\): mqttgwd starts one/,
      ),
    });
    await using place = await workplace();
    const filters = { outbound: { use: '@cstbox/mqtt-filters-re', rules: [['x:y$', 'z']] } };
    const configuration = await place.file('gateway.json', {
      broker: { host: '127.0.0.1', port: 1 },
      outbox: { durability: 'memory' },
      filters,
    });
    await using watch = Daemon.start(['status', '--watch', '0.1'], environment);
    await watch.says('not running');
    for (let times = 1; times <= 2; times++) {
      await using gateway = Daemon.start(['-c', configuration], environment);
      await gateway.says('running');
      const before = watch.printed.length;
      await waitFor('the status', () => watch.printed.slice(before).includes('running for'));
      await stopProcess(gateway.child);
      const after = watch.printed.length;
      await waitFor('its end', () => watch.printed.slice(after).includes('not running'));
    }
    watch.child.kill('SIGINT');
    expect(await watch.exited).toBe(0);
  });
});
