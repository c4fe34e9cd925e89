import { defineConfig } from 'tsup';
import { base } from '../../tsup.config.js';

/** A program that only speaks D-Bus need not load the brokers: hence a second entry. */
export default defineConfig({ ...base, entry: ['src/index.ts', 'src/dbus-message.ts'] });
