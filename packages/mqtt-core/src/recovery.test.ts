import { freePort, startBroker, waitFor } from '@cstbox/test-peers';
import { describe, expect, it } from 'vitest';
import { keepLog, QUICKLY } from './connector.fixtures.js';
import { MQTTGatewayError } from './errors.js';
import { type BasicEvent, makeBasicEvent } from './event.js';
import type { BusState } from './event-bus.js';
import { type AcceptedEvent, InboundFilter, OutboundFilter } from './filter.js';
import { startLonely } from './gateway.fixtures.js';
import { Gateway } from './gateway.js';
import { MemoryEventBus } from './memory-bus.js';
import { MQTTConnector } from './mqtt-connector.js';
import type { MQTTMessage } from './mqtt-message.js';

class EverythingOut extends OutboundFilter {
  override getMqttTopic(): string {
    return 'out';
  }
}

class EverythingIn extends InboundFilter {
  override acceptEvent(_client: MQTTConnector, _userData: unknown, { topic }: MQTTMessage): AcceptedEvent[] {
    return [[makeBasicEvent('switch', topic), 'control']];
  }
}

/** A bus that can be away; some events it refuses. */
class WeatherBus extends MemoryEventBus {
  #isAway = false;
  readonly #watchers = new Set<(state: BusState) => void>();

  override get state(): BusState {
    return this.#isAway ? 'away' : super.state;
  }

  override watch(watcher: (state: BusState) => void): () => void {
    this.#watchers.add(watcher);
    return () => this.#watchers.delete(watcher);
  }

  override async emit(channel: string, event: BasicEvent): Promise<void> {
    if (this.#isAway) throw new MQTTGatewayError('bus_unreachable', 'the bus is away');
    if (event.varName === 'refused') throw new MQTTGatewayError('bus_refused', 'no');
    await super.emit(channel, event);
  }

  set isAway(isAway: boolean) {
    this.#isAway = isAway;
    for (const watcher of this.#watchers) watcher(this.state);
  }
}

describe('the log of a recovery', () => {
  it('says how long the broker was away, after how many attempts it came, and what became of the backlog', async () => {
    const port = await freePort();
    const log = keepLog();
    const bus = new MemoryEventBus();
    const connector = new MQTTConnector({ broker: '127.0.0.1', port, logger: log, ...QUICKLY });
    await using gateway = new Gateway({ bus, connector, outbound: new EverythingOut(), logger: log });
    await gateway.start();
    const lines = (text: string) => log.at('info').filter((line) => line.includes(text));
    const put = async (count: number) => {
      for (let n = 0; n < count; n++) await bus.emit('sensor', makeBasicEvent('energy', 'meter', n));
    };
    await put(1_200);
    await waitFor('some attempts', () => log.lines.filter((line) => line.includes('ECONNREFUSED')).length > 2);
    {
      await using _broker = await startBroker({ port });
      await waitFor('the backlog', () => lines('backlog').length === 1);
      expect(lines('connected to')).toEqual([
        expect.stringMatching(/^info connected to \S+ with MQTT \S+, after \d.* m?s \(\d+ attempts\)$/),
      ]);
      expect(lines('backlog')).toEqual([
        expect.stringMatching(/^info the backlog of 1,200 messages is delivered, in \d.* m?s$/),
      ]);
      // What comes while there is a connection is no backlog, and a connection without one says nothing of it.
      await put(5);
      await waitFor('them', () => gateway.counts.out.waiting === 0);
    }
    await waitFor('the loss', () => log.at('warn').some((line) => line.includes('lost the connection')));
    await using _again = await startBroker({ port });
    await waitFor('the connection', () => lines('connected to').length === 2);
    expect(lines('connected to')[1]).toMatch(/with MQTT \S+, after \d.* m?s/);
    expect(lines('backlog')).toHaveLength(1);
  });

  it('counts what of a backlog was given up, and why', async () => {
    const port = await freePort();
    const log = keepLog();
    const bus = new MemoryEventBus();
    const connector = new MQTTConnector({ broker: '127.0.0.1', port, logger: log, ...QUICKLY });
    class Brief extends OutboundFilter {
      override getMqttTopic(): string {
        this.lastRule = { name: 'brief', publish: { expiryMs: 1 } };
        return 'out';
      }
    }
    await using gateway = new Gateway({ bus, connector, outbound: new Brief(), logger: log });
    await gateway.start();
    for (let n = 0; n < 3; n++) await bus.emit('sensor', makeBasicEvent('energy', 'meter', n));
    const old = Date.now();
    await waitFor('their time to pass', () => Date.now() > old + 2);
    await using _broker = await startBroker({ port });
    await waitFor('the end of the backlog', () => log.at('info').some((line) => line.includes('backlog')));
    expect(log.at('info').find((line) => line.includes('backlog'))).toMatch(
      /^info the backlog of 3 messages is gone, in .*: delivered 0; given up meanwhile: expired 3$/,
    );
  });

  it('says what became of the commands that waited for the bus', async () => {
    const bus = new WeatherBus();
    await using house = await startLonely({ bus, inbound: new EverythingIn() });
    bus.isAway = true;
    const handled = ['a', 'refused', 'b'].map((topic) => house.receive(topic));
    expect(house.gateway.status.commands.waiting).toBe(3);
    bus.isAway = false;
    await Promise.all(handled);
    await waitFor('the line', () => house.log.at('info').length > 0);
    expect(house.log.at('info')).toEqual([
      expect.stringMatching(/^info the backlog of 3 commands is handed over, in .*: accepted 2, given up 1$/),
    ]);
    bus.isAway = true;
    bus.isAway = false;
    expect(house.log.at('info')).toHaveLength(1);
  });
});
