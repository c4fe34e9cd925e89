import { defineConfig, type Options } from 'tsup';

/** What every package's build has in common; a package adds its entries. */
export const base: Options = {
  format: 'esm',
  target: 'node20',
  platform: 'node',
  clean: true,
  // tsup sets baseUrl, which TypeScript 6 reports as deprecated.
  dts: { compilerOptions: { ignoreDeprecations: '6.0' } },
};

export default defineConfig({ ...base, entry: ['src/index.ts'] });
