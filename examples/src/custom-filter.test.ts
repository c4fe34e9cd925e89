import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { ConfigurationError } from '@cstbox/mqtt-core';
import { loadGateway } from '@cstbox/mqttgwd';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { AlarmFilter } from './custom-filter.js';

const logger = () => ({ debug() {}, info() {}, warn() {}, error() {} });
const built = resolve(import.meta.dirname, '../dist/custom-filter.js');

describe('the custom filter', () => {
  let directory: string;
  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'custom-filter-'));
  });
  afterAll(() => rm(directory, { recursive: true }));

  const load = async (options: Record<string, unknown>) => {
    const path = join(directory, 'gateway.json');
    const outbound = { use: built, ...options };
    await writeFile(path, JSON.stringify({ broker: { host: '127.0.0.1' }, filters: { outbound } }));
    return loadGateway(path, logger);
  };

  it('is loaded by the daemon, with its options', async () => {
    const { outbound } = await load({ threshold: 3 });
    expect(outbound?.getMqttTopic(0, 'alarm', 'boiler', { value: 3 }, 'sensor')).toBe('site/alarms');
    expect(outbound?.getMqttTopic(0, 'alarm', 'boiler', { value: 2 }, 'sensor')).toBeNull();
  });

  it('refuses wrong options, and the daemon says where they stand', async () => {
    const refusal = (await load({ threshold: 'high' }).catch((error) => error)) as ConfigurationError;
    expect(refusal).toBeInstanceOf(ConfigurationError);
    expect(refusal.message).toMatch(/gateway\.json:1:\d+: expected a number.*\(at filters\.outbound\.threshold\)/);
  });

  it('lets nothing else out, and says why an alarm without a level stays', () => {
    const filter = new AlarmFilter(3);
    expect(filter.getMqttTopic(0, 'temperature', 'kitchen', { value: 30 })).toBeNull();
    expect(filter.takeRefusal()).toBeUndefined();
    expect(filter.getMqttTopic(0, 'alarm', 'boiler', {})).toBeNull();
    expect(filter.takeRefusal()?.reason).toBe('no_level');
  });
});
