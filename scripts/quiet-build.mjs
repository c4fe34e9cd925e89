import { spawn } from 'node:child_process';

// Builds what the filters name, and says nothing when that works: whoever runs the demo wants to see the demo. When it
// fails, it shows what turbo and the failed builds have written. Run by a script of package.json: it needs turbo on the
// PATH.
const NOTICE_MS = 500;

const filters = process.argv.slice(2).flatMap((filter) => ['--filter', filter]);
const build = spawn('turbo', ['run', 'build', '--output-logs=errors-only', '--log-order=grouped', ...filters], {
  env: { TURBO_TELEMETRY_DISABLED: '1', ...process.env },
  stdio: ['ignore', 'pipe', 'pipe'],
});
const written = [];
for (const stream of [build.stdout, build.stderr]) stream.on('data', (chunk) => written.push(chunk));
const notice = setTimeout(() => process.stderr.write('building what is stale …\n'), NOTICE_MS);
// Ctrl-C reaches turbo too, and it ends in order; a signal to this process alone is passed on.
process.on('SIGINT', () => {});
for (const signal of ['SIGTERM', 'SIGHUP']) process.on(signal, () => build.kill(signal));

build.on('error', (error) => {
  clearTimeout(notice);
  console.error(`can't run turbo: ${error.message}`);
  process.exitCode = 1;
});
build.on('close', (code) => {
  clearTimeout(notice);
  if (code === 0) return;
  process.stderr.write(Buffer.concat(written));
  // A signal ended it: no build, no success.
  process.exitCode = code || 1;
});
