import { defineConfig } from 'tsup';
import { writeThirdPartyLicences } from '../../scripts/third-party-licences.mjs';
import { base } from '../../tsup.config.js';

export default defineConfig({
  ...base,
  entry: ['src/index.ts'],
  // dbus-next and what it needs are bundled: see docs/decisions.md. They are CommonJS and require Node's own modules.
  banner: {
    js: "import { createRequire as __createRequire } from 'node:module';\nconst require = __createRequire(import.meta.url);",
  },
  metafile: true,
  onSuccess: () => writeThirdPartyLicences('dist'),
});
