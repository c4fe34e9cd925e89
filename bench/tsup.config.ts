import { defineConfig } from 'tsup';
import { base } from '../tsup.config.js';

/** The bench itself and the programs that it starts, each a process of its own. */
export default defineConfig({
  ...base,
  dts: false,
  entry: ['main', 'event-source', 'event-counter', 'subscriber', 'naive-pipe', 'rule-set'].map(
    (name) => `src/${name}.ts`,
  ),
});
