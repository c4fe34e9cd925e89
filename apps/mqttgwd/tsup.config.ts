import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { defineConfig } from 'tsup';
import { base } from '../../tsup.config.js';

export default defineConfig({
  ...base,
  entry: ['src/cli.ts', 'src/index.ts'],
  // Editors find the schema in the package. Who tells it is the daemon that was built.
  async onSuccess() {
    writeFileSync('dist/configuration.schema.json', execFileSync(process.execPath, ['dist/cli.js', 'schema']));
  },
});
