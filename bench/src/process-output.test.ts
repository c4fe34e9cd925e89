import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { expect, it } from 'vitest';
import { ProcessOutput } from './process-output.js';

const numberIn = (line: string) => (/^n=\d+$/.test(line) ? Number(line.slice(2)) : undefined);

it('reads what a process says, on both streams, and keeps the end', async () => {
  const script = `
    console.log('n=1');
    console.error('n=x');
    process.stdout.write('n=');
    setTimeout(() => { process.stdout.write('2\\n' + 'x'.repeat(5000) + '\\nthe end\\n'); }, 50);`;
  const child = spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'pipe', 'pipe'] });
  const output = new ProcessOutput(child);
  expect(await output.next(numberIn, 10_000)).toBe(1);
  expect(await output.next(numberIn, 10_000)).toBe(2);
  expect(await output.next(numberIn, 10)).toBeUndefined();
  if (child.exitCode === null) await once(child, 'close');
  expect(output.tail).toMatch(/^x+\nthe end\n$/);
});
