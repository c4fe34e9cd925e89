import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

// Installs the packages from their tarballs with npm, as users do, in projects that know nothing of this workspace: core alone
// with the compiler, and the daemon with everything. Nothing may need an install script.
const PACKAGES = [
  'packages/mqtt-core',
  'packages/dbus-bus',
  'packages/mqtt-filters-re',
  'packages/mqtt-outbox-level',
  'apps/mqttgwd',
];
// Their install scripts would only compile what their tarballs carry ready for use; the checks below do without them.
const NEEDLESS_SCRIPTS = ['classic-level'];
const root = mkdtempSync(join(tmpdir(), 'mqttgwd-install-'));
const run = (cwd, program, ...args) =>
  execFileSync(program, args, { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] });

function project(name, files, ...install) {
  const directory = mkdtempSync(join(root, name));
  writeFileSync(join(directory, 'package.json'), '{ "private": true, "type": "module" }');
  for (const [file, content] of Object.entries(files)) writeFileSync(join(directory, file), content);
  run(directory, 'npm', 'install', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error', ...install);
  const scripts = run(
    directory,
    'npm',
    'query',
    ':attr(scripts, [install]), :attr(scripts, [postinstall]), :attr(scripts, [preinstall])',
  );
  const running = JSON.parse(scripts).map((dependency) => dependency.name);
  const needed = running.filter((dependency) => !NEEDLESS_SCRIPTS.includes(dependency));
  if (needed.length > 0) throw new Error(`${name}: ${needed.join(', ')} runs an install script`);
  return directory;
}

try {
  for (const each of PACKAGES) run(each, 'pnpm', 'pack', '--pack-destination', root);
  const tarballs = readdirSync(root)
    .filter((file) => file.endsWith('.tgz'))
    .map((file) => join(root, file));
  const core = tarballs.filter((file) => file.includes('mqtt-core'));

  const alone = project(
    'core',
    {
      'bridge.ts': `import { MemoryEventBus, type EventBus, MQTTGatewayError } from '@cstbox/mqtt-core';
import { eventBusContract } from '@cstbox/mqtt-core/testing';
const bus: EventBus = new MemoryEventBus();
for (const { run } of eventBusContract(async () => ({ bus: new MemoryEventBus(), async [Symbol.asyncDispose]() {} }))) await run();
console.log(bus instanceof MemoryEventBus, typeof MQTTGatewayError);
`,
      'tsconfig.json': JSON.stringify({
        compilerOptions: {
          module: 'NodeNext',
          target: 'ES2022',
          lib: ['ES2023', 'ESNext.Disposable'],
          strict: true,
          types: ['node'],
        },
      }),
    },
    ...core,
    `typescript@${JSON.parse(run('.', 'node', '-p', "JSON.stringify(require('typescript/package.json').version)"))}`,
    '@types/node@20',
  );
  run(alone, 'npx', 'tsc');
  console.log(`@cstbox/mqtt-core alone: ${run(alone, 'node', 'bridge.js').trim()}`);

  const all = project(
    'daemon',
    {
      'one-error.mjs': `import { ConfigurationError } from '@cstbox/mqtt-core';
import { checkConfiguration } from '@cstbox/dbus-bus';
import { REOutboundFilter } from '@cstbox/mqtt-filters-re';
for (const wrong of [() => checkConfiguration({}), () => new REOutboundFilter([['(', 'x']])]) {
  try { wrong(); } catch (error) { console.log(error instanceof ConfigurationError); }
}
`,
      'outbox.mjs': `import { LevelOutbox } from '@cstbox/mqtt-outbox-level';
const outbox = new LevelOutbox({ directory: 'kept' });
await outbox.open({ ready() {}, givenUp() {}, kept() {} });
outbox.put({ topic: 't', payload: 'p', qos: 1, retain: false });
console.log(outbox.fault ?? 'no fault', await outbox.close());
`,
    },
    ...tarballs,
  );
  const errors = run(all, 'node', 'one-error.mjs').trim().split('\n');
  if (errors.join() !== 'true,true') throw new Error('there is more than one ConfigurationError in the process');
  const kept = run(all, 'node', 'outbox.mjs').trim();
  if (kept !== 'no fault 0') throw new Error(`the outbox on disk does not work as installed: ${kept}`);
  console.log(`@cstbox/mqttgwd: version ${run(all, resolve(all, 'node_modules/.bin/mqttgwd'), '--version').trim()}`);
} catch (error) {
  console.error(error.stdout ?? '', error.message);
  process.exitCode = 1;
} finally {
  rmSync(root, { recursive: true });
}
