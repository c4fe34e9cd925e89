import { describe, expect, it } from 'vitest';
import { Daemon, run, workplace } from '../test/daemon.js';

/** What is said on standard output only, and the exit code. */
async function answer(args: string[]) {
  await using daemon = Daemon.start(args, { DBUS_SESSION_BUS_ADDRESS: 'unix:path=/nowhere' });
  let output = '';
  daemon.child.stdout?.on('data', (chunk: Buffer) => {
    output += chunk;
  });
  const code = await daemon.exited;
  return { code, output, printed: daemon.printed };
}

describe('a failure of a command with --json', () => {
  it('is JSON on standard output: with every problem of a configuration, and its place', async () => {
    await using place = await workplace();
    const file = await place.file('gateway.yaml', 'broker: { prot: 1 }\nqos: 9\n');
    for (const args of [
      ['explain', 'event', 'temperature:kitchen'],
      ['replay', 'traffic.ndjson'],
    ]) {
      const { code, output, printed } = await answer([...args, '--json', '-c', file]);
      expect(code).toBe(78);
      const { error } = JSON.parse(output);
      expect(error).toMatchObject({ code: 'configuration', message: expect.stringContaining(`${file}:2:`) });
      expect(error.problems).toContainEqual(expect.objectContaining({ file, line: 2, path: ['qos'] }));
      expect(printed).toContain(`mqttgwd: ${file}:2:`);
    }
  });

  it('is one line where there is no bus, or a file can not be read; and nothing is there without --json', async () => {
    const [status, tail, silent] = await Promise.all([
      answer(['status', '--json']),
      answer(['tail', '--json']),
      answer(['status']),
    ]);
    for (const { code, output } of [status, tail]) {
      expect([code, JSON.parse(output)]).toEqual([
        69,
        {
          error: { code: 'bus_unreachable', message: expect.stringContaining('no bus answers at unix:path=/nowhere') },
        },
      ]);
      expect(output.trimEnd()).not.toContain('\n');
    }
    expect([silent.code, silent.output]).toEqual([69, '']);
    await using place = await workplace();
    const good = await place.file('gateway.json', {
      broker: { host: 'localhost' },
      filters: { outbound: { use: '@cstbox/mqtt-filters-re', rules: [['x:y$', 'z']] } },
    });
    const { code, output } = await answer(['replay', `${place.directory}/none`, '--json', '-c', good]);
    expect([code, JSON.parse(output).error.code]).toEqual([74, 'file']);
  });

  it('names the commands, in lines that fit, to whoever mistypes one', async () => {
    const { code, printed } = await run(['event-manger']);
    expect(code).toBe(64);
    expect(printed.split('\n').filter((line) => line.length > 80)).toEqual([]);
  });
});
