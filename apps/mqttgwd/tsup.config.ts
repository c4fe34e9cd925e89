import { defineConfig } from 'tsup';
import { base } from '../../tsup.config.js';

export default defineConfig({ ...base, entry: ['src/cli.ts', 'src/index.ts'] });
