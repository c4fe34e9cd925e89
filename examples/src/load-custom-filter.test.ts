import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { ConfigurationError, silentLogger } from '@cstbox/mqtt-core';
import { loadGateway } from '@cstbox/mqttgwd';
import { describe, expect, it } from 'vitest';

const load = (path: string) => loadGateway(path, { logger: () => silentLogger, environment: {} });

describe('the custom filter in the daemon', () => {
  it('is loaded by a path beside the configuration, with its options', async () => {
    const loaded = await load(resolve(import.meta.dirname, '../alarms.json'));
    const [inbound] = loaded.inbound;
    const [outbound] = loaded.outbound;
    expect(outbound?.getMqttTopic(0, 'alarm', 'boiler', { value: 3 }, 'sensor')).toBe('site/alarms');
    expect(outbound?.getMqttTopic(0, 'alarm', 'boiler', { value: 2 }, 'sensor')).toBeNull();
    expect(outbound?.makePayload(1, 'alarm', 'boiler', { value: 3 })).toBe('{"alarm":"boiler","level":3,"since":1}');
    expect(inbound).toHaveProperty('acceptEvent');
  });

  it('refuses wrong options, and the daemon says where they stand', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'custom-filter-'));
    try {
      const path = join(directory, 'gateway.json');
      const outbound = { use: resolve(import.meta.dirname, '../dist/custom-filter.js'), threshold: 'high' };
      await writeFile(path, JSON.stringify({ broker: { host: '127.0.0.1' }, filters: { outbound } }));
      const refusal = (await load(path).catch((error) => error)) as ConfigurationError;
      expect(refusal).toBeInstanceOf(ConfigurationError);
      expect(refusal.message).toMatch(/gateway\.json:1:\d+: expected a number.*\(at filters\.outbound\.threshold\)/);
    } finally {
      await rm(directory, { recursive: true });
    }
  });
});
