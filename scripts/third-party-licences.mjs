import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/**
 * Writes the licences of every package that esbuild put into a bundle beside it, and removes the metafile that told so.
 * Ends the build when a bundled package carries no licence text.
 *
 * @param {string} directory where tsup wrote the bundle
 */
export async function writeThirdPartyLicences(directory) {
  const metafile = join(directory, 'metafile-esm.json');
  const { inputs } = JSON.parse(readFileSync(metafile, 'utf8'));
  const roots = new Set(Object.keys(inputs).map(packageRoot).filter(Boolean));
  const texts = [...roots].map(licenceOf).sort();
  writeFileSync(join(directory, 'THIRD-PARTY-LICENCES.txt'), `${texts.join(`\n${'-'.repeat(80)}\n\n`)}`);
  rmSync(metafile);
}

function packageRoot(file) {
  const match = /^(.*node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(file);
  return match?.[1];
}

function licenceOf(root) {
  const { name, version, license } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const title = `${name} ${version}${typeof license === 'string' ? ` (${license})` : ''}`;
  const file = readdirSync(root).find((each) => /^licen[cs]e/i.test(each));
  if (file && existsSync(join(root, file))) {
    return `${title}\n\n${readFileSync(join(root, file), 'utf8').trim()}\n`;
  }
  const readme = readdirSync(root).find((each) => /^readme/i.test(each));
  const section = readme && /\n#+ *licen[cs]e[\s\S]*/i.exec(readFileSync(join(root, readme), 'utf8'))?.[0];
  if (!section && !license) throw new Error(`${name}, bundled from ${dirname(root)}, carries no licence`);
  return `${title}\n\n${(section ?? '').trim()}\n`;
}
