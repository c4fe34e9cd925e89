import { silentLogger } from '@cstbox/mqtt-core';
import { expect, it } from 'vitest';
import type { LoadedGateway } from './load-gateway.js';
import { Reloader } from './reload.js';

/** A configuration whose filters end so. */
const endingBy = (dispose: () => Promise<void>) =>
  ({ configuration: {}, modules: [], [Symbol.asyncDispose]: dispose }) as unknown as LoadedGateway;

it('a filter that never ends holds up neither the next reload nor the stop', async () => {
  const errors: string[] = [];
  const reloader = new Reloader({
    loaded: endingBy(() => new Promise(() => {})),
    inspect: async () => ({ findings: [], loaded: endingBy(() => Promise.reject(new Error('no'))) }),
    apply: async () => ({ changed: ['filters.outbound'], restartNeeded: [] }),
    logger: { ...silentLogger, error: (line) => void errors.push(line) },
  });
  await reloader.reload();
  await reloader.reload();
  await reloader[Symbol.asyncDispose]();
  expect(errors).toEqual([
    'a filter has not ended within 5 s: it is left to itself',
    'a filter did not end in order: no',
    'a filter did not end in order: no',
  ]);
});
