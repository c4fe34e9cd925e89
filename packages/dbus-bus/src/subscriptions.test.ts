import { type AcceptedEvent, InboundFilter, MemoryEventBus, MQTTConnector } from '@cstbox/mqtt-core';
import { startBroker, waitFor } from '@cstbox/test-peers';
import { describe, expect, it } from 'vitest';
import { checkConfiguration } from './configuration.js';
import { MQTTGatewayServiceObject } from './gateway-service.js';
import { subscriptionsOf } from './subscriptions.js';

/** Knows which topics it needs, or does not. */
class Knowing extends InboundFilter {
  constructor(override readonly topicFilters: readonly string[] | undefined) {
    super();
  }

  override acceptEvent(): AcceptedEvent[] {
    return [[['switch', 'lamp', {}], 'control']];
  }
}

const subscribe = (listed: string[] | undefined, ...filters: (readonly string[] | undefined)[]) =>
  subscriptionsOf(
    checkConfiguration({ broker: { host: 'h' }, ...(listed && { listened_topics: listed }) }),
    filters.map((topics) => new Knowing(topics)),
  );

describe('what is subscribed to', () => {
  it('is what the configuration names, whatever the filters ask for', () => {
    expect(subscribe(['a/b', 'a/#'], ['c'])).toEqual({ topics: ['a/b', 'a/#'] });
    expect(subscribe([], ['c'])).toMatchObject({
      topics: [],
      warning: expect.stringContaining('listened_topics is empty'),
    });
    expect(subscribe(['a'])).toMatchObject({ topics: ['a'], warning: expect.stringContaining('no inbound filter') });
  });

  it('is what the filters ask for where it names nothing, each topic by one of them', () => {
    expect(subscribe(undefined, ['a/1', 'b'], ['a/+', 'b', 'c/#'])).toEqual({ topics: ['b', 'a/+', 'c/#'] });
    expect(subscribe(undefined, [])).toEqual({ topics: [] });
    expect(subscribe(undefined)).toEqual({ topics: [] });
  });

  it('may lack what a filter does not ask for, and that is said', () => {
    expect(subscribe(undefined, undefined)).toMatchObject({
      topics: [],
      warning: expect.stringContaining('no message'),
    });
    expect(subscribe(undefined, ['a'], undefined)).toMatchObject({
      topics: ['a'],
      warning: expect.stringContaining('does not say which topics it needs'),
    });
  });

  it.each([['a/#/b'], [5], ['']])('is refused where a filter asks for %j, with its name', (topic) => {
    expect(() => subscribe(undefined, ['ok', topic as string])).toThrow(
      /inbound filter Knowing can't be subscribed to/,
    );
  });

  it('is refused where a filter asks with what is no list', () => {
    expect(() => subscribe(undefined, 'a/#' as never)).toThrow('it is no list');
  });

  it('brings what the filters want, from a broker', async () => {
    await using broker = await startBroker();
    const lines: string[] = [];
    const logger = () => ({ debug() {}, info: (line: string) => void lines.push(line), warn() {}, error() {} });
    const filters = [new Knowing(['site/1/set']), new Knowing(['site/+/set'])];
    const configuration = { broker: { host: broker.url } };
    await using service = new MQTTGatewayServiceObject(configuration, filters, null, {
      bus: new MemoryEventBus(),
      logger,
    });
    await service.start();
    await waitFor('the subscription', () => lines.includes('subscribed to site/+/set'));
    await using user = new MQTTConnector({ broker: broker.url });
    await user.run();
    await user.publish('site/2/set', 'on', { qos: 1 });
    await waitFor('the message', () => service.counts?.in.forwarded === 1);
  });
});
