import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join, resolve } from 'node:path';
import { type CodeBlock, codeBlocks } from './code-blocks.js';

const ROOT = resolve(import.meta.dirname, '../../..');
const ENTER = join(ROOT, 'examples/operators/house/enter.sh');
const CLI = join(ROOT, 'apps/mqttgwd/dist/cli.js');
const NAMESPACES = ['--mount', '--net', '--pid', '--fork', '--kill-child', '--mount-proc'];
/** Who is not root has to be so inside. */
const AS_ROOT = process.getuid?.() === 0 ? [] : ['--map-root-user'];

/** A block of commands, what the document says that it prints, and what it did. */
export interface RunBlock {
  readonly block: CodeBlock;
  /** Lines, where a block of text with `<!-- prints -->` before it follows. */
  readonly expected: readonly string[] | undefined;
  readonly output: string;
  readonly code: number;
}

/** Whether a box of its own can be made here: Linux namespaces, and the programs that documents use. */
export function canRunDocuments(): boolean {
  const inside = spawnSync('unshare', [...NAMESPACES, ...AS_ROOT, 'ip', 'link', 'set', 'lo', 'up'], {
    stdio: 'ignore',
  });
  return inside.status === 0 && spawnSync('mosquitto_sub', ['--help'], { stdio: 'ignore' }).error === undefined;
}

/**
 * Runs every block of commands of a document, in order, in a box of its own, which ends with it. The files that the document
 * quotes lie in the directory in which the commands run.
 */
export async function runDocument(path: string): Promise<RunBlock[]> {
  const blocks = codeBlocks(await readFile(join(ROOT, path), 'utf8'));
  const commands = blocks.filter(({ language }) => language === 'sh');
  const place = await mkdtemp(join(tmpdir(), 'mqttgwd-docs-'));
  try {
    await mkdir(join(place, 'blocks'));
    await mkdir(join(place, 'files'));
    for (const source of new Set(blocks.flatMap(({ source }) => source ?? []))) {
      await cp(join(ROOT, source), join(place, 'files', basename(source)));
    }
    const nameOf = (index: number, end: string) => join(place, 'blocks', `${String(index).padStart(2, '0')}.${end}`);
    for (const [index, { lines }] of commands.entries()) await writeFile(nameOf(index, 'sh'), `${lines.join('\n')}\n`);
    const child = spawn('unshare', [...NAMESPACES, ...AS_ROOT, 'bash', ENTER, place, CLI], {
      stdio: ['ignore', 'ignore', 'pipe'],
      env: { ...process.env, HOUSE_NODE: dirname(process.execPath) },
    });
    let complaint = '';
    child.stderr.on('data', (chunk) => {
      complaint += chunk;
    });
    const [code] = await once(child, 'close');
    if (code !== 0) throw new Error(`the box for ${path} ended with ${code}: ${complaint}`);
    return await Promise.all(
      commands.map(async (block, index) => ({
        block,
        expected: printsOf(blocks, block),
        output: await readFile(nameOf(index, 'out'), 'utf8'),
        code: Number(await readFile(nameOf(index, 'code'), 'utf8')),
      })),
    );
  } finally {
    await rm(place, { recursive: true, force: true });
  }
}

/** The output that stands behind a block of commands. */
function printsOf(blocks: readonly CodeBlock[], block: CodeBlock): readonly string[] | undefined {
  const next = blocks[blocks.indexOf(block) + 1];
  return next?.language === 'text' && next.prints ? next.lines : undefined;
}

/** The exit code that the last line of a block announces: `# ends with 78`. */
export function announcedCode({ lines }: CodeBlock): number {
  const [, code = '0'] = /# ends with (\d+)/.exec(lines.at(-1) ?? '') ?? [];
  return Number(code);
}

/**
 * The first part that was not printed, in the order of the document, or `undefined`. Numbers and white space may differ: ports, times, rates,
 * and what they do to columns and the ends of lines. `…` stands for anything.
 */
export function missingPart(expected: readonly string[], output: string): string | undefined {
  const printed = comparable(output);
  let from = 0;
  for (const part of expected.join('\n').split('…')) {
    const wanted = comparable(part);
    const at = printed.indexOf(wanted, from);
    if (at === -1) return firstMissingLine(part, printed.slice(from)) ?? part;
    from = at + wanted.length;
  }
  return undefined;
}

/** What a person would look at first. */
function firstMissingLine(part: string, printed: string): string | undefined {
  return part.split('\n').find((line) => !printed.includes(comparable(line)));
}

function comparable(text: string): string {
  return text
    .replace(/\d+/g, '0')
    .replace(/0(?:[.,]0)+/g, '0')
    .replace(/\s+/g, ' ')
    .trim();
}
