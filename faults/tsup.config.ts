import { defineConfig } from 'tsup';
import { base } from '../tsup.config.js';

export default defineConfig({ ...base, dts: false, entry: ['src/main.ts'] });
