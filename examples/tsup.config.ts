import { defineConfig } from 'tsup';
import { base } from '../tsup.config.js';

export default defineConfig({ ...base, entry: ['src/*.ts', '!src/*.test.ts'], dts: false });
