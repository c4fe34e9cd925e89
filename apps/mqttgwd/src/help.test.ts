import { describe, expect, it } from 'vitest';
import { run } from '../test/daemon.js';

/** The help of a command and of all below it, by name. */
async function helpOf(command: readonly string[]): Promise<Map<string, string>> {
  const { printed } = await run([...command, '--help']);
  const names = printed.match(/^Commands:\n((?: {2}.*\n)+)/m)?.[1]?.matchAll(/^ {2}(\S+)/gm) ?? [];
  const below = await Promise.all([...names].map(([, name]) => helpOf([...command, name as string])));
  return new Map([[['mqttgwd', ...command].join(' '), printed] as const, ...below.flatMap((each) => [...each])]);
}

describe('the help of every command', () => {
  it('has an example and its exit codes, and fits 80 columns', async () => {
    const helps = await helpOf([]);
    expect([...helps.keys()]).toEqual(expect.arrayContaining(['mqttgwd run', 'mqttgwd policy dbus', 'mqttgwd tail']));
    const faults = [...helps].flatMap(([name, help]) => [
      ...['Example:', 'Exit codes:']
        .filter((part) => !help.includes(`\n${part}\n`))
        .map((part) => `${name}: no ${part}`),
      ...help.split('\n').flatMap((line) => ([...line].length > 80 ? [`${name}: ${line}`] : [])),
    ]);
    expect(faults).toEqual([]);
  }, 60_000);
});
