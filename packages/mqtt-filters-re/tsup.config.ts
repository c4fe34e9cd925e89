import { defineConfig } from 'tsup';
import { writeThirdPartyLicences } from '../../scripts/third-party-licences.mjs';
import { base } from '../../tsup.config.js';

export default defineConfig({
  ...base,
  entry: ['src/index.ts'],
  // What is a development dependency here is bundled: see docs/decisions.md.
  metafile: true,
  onSuccess: () => writeThirdPartyLicences('dist'),
});
