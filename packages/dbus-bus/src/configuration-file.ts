import { isUtf8 } from 'node:buffer';
import { dirname, resolve } from 'node:path';
import { ConfigurationError, type ConfigurationProblem, describeError } from '@cstbox/mqtt-core';
import { type Document, isMap, isNode, isScalar, isSeq, LineCounter, parseDocument, visit } from 'yaml';
import { resolveReferences } from './references.js';
import { readRegularFile } from './regular-file.js';
import { readPasswordFile } from './secret-file.js';
import { Secrets } from './secrets.js';
import { reasonOf } from './tls-files.js';

/** What a configuration file is read with. */
export interface ConfigurationFileOptions {
  /** What the file's `${env:NAME}` and credentials are taken from. Default: the environment of this process. */
  readonly environment?: Readonly<Record<string, string | undefined>>;
  /** Takes what must not be shown of the file. Default: a collection of its own. */
  readonly secrets?: Secrets;
}

/** A configuration file, JSON or YAML (of which JSON is a part): its content, and where each part of it stands. */
export class ConfigurationFile {
  /** Absolute path. */
  readonly path: string;
  /** What the file says, unchecked, with `${env:NAME}` and `${credential:NAME}` as they are written. */
  readonly written: unknown;
  /** What the file says, unchecked, with what these stand for. */
  readonly content: unknown;
  /** What the file named in `auth.password_file` holds. */
  readonly password: string | undefined;
  /** What `content` and `password` could not be taken from. */
  readonly problems: readonly ConfigurationProblem[];
  /** What must not be shown of it. */
  readonly secrets: Secrets;
  readonly #document: Document;
  readonly #lines: LineCounter;

  private constructor(path: string, document: Document, lines: LineCounter, options: ConfigurationFileOptions) {
    const { environment = process.env, secrets = new Secrets() } = options;
    this.path = path;
    this.secrets = secrets;
    this.#document = document;
    this.#lines = lines;
    this.written = document.toJS();
    const { content, problems } = resolveReferences(this.written, { environment, secrets });
    this.content = content;
    const { password, problem } = readPassword(this);
    this.password = password;
    this.problems = problem ? [...problems, problem] : problems;
  }

  /** @throws {ConfigurationError} when the file can't be read, or is neither JSON nor YAML, with every place */
  static read(path: string, options: ConfigurationFileOptions = {}): ConfigurationFile {
    if (!path) throw new ConfigurationError('no configuration file given');
    const absolute = resolve(path);
    const source = readSource(absolute);
    const lines = new LineCounter();
    const document = parseDocument(source, { lineCounter: lines, prettyErrors: false });
    if (document.errors.length > 0) {
      throw new ConfigurationError(
        document.errors.map(({ message, pos }) => ({ path: [], message, file: absolute, ...placeOf(lines, pos[0]) })),
      );
    }
    const circles = circlesIn(document);
    if (circles.length > 0) {
      const message = 'this alias stands within what it stands for: nothing could be made of it';
      throw new ConfigurationError(
        circles.map((offset) => ({ path: [], message, file: absolute, ...placeOf(lines, offset) })),
      );
    }
    try {
      return new ConfigurationFile(absolute, document, lines, options);
    } catch (error) {
      // Aliases that would blow up, for one. The name of one that stands for nothing may be a password that begins with a star.
      const message = describeError(error).replace(
        /^Unresolved alias.*$/s,
        'an alias (*name) stands for nothing: quote a text that begins with *',
      );
      throw new ConfigurationError([{ path: [], message, file: absolute }]);
    }
  }

  /** The absolute path for one that is relative to the file. */
  resolve(path: string): string {
    return resolve(dirname(this.path), path);
  }

  /** The same error, with file, line and column for each problem, in the order of the file, and without secrets. */
  locate(error: ConfigurationError): ConfigurationError {
    const located = error.problems.map((problem) => {
      return { ...problem, message: this.secrets.redact(problem.message), ...this.place(problem.path) };
    });
    return new ConfigurationError(
      located.sort((a, b) => a.line - b.line || a.column - b.column),
      { cause: error.cause },
    );
  }

  /** Where the last part of a path that exists stands. Lines and columns count from 1. */
  place(path: readonly (string | number)[]): { file: string; line: number; column: number } {
    return { file: this.path, ...placeOf(this.#lines, this.#offsetOf(path) ?? 0) };
  }

  /** Where the path's last part that exists begins: a key, or an element of a list. */
  #offsetOf(path: readonly (string | number)[]): number | undefined {
    let node: unknown = this.#document.contents;
    let offset = isNode(node) ? node.range?.[0] : undefined;
    for (const key of path) {
      if (isMap(node)) {
        const pair = node.items.find((item) => isScalar(item.key) && String(item.key.value) === String(key));
        if (!pair) break;
        offset = isNode(pair.key) ? pair.key.range?.[0] : offset;
        node = pair.value;
      } else if (isSeq(node)) {
        node = node.items[Number(key)];
        if (!isNode(node)) break;
        offset = node.range?.[0];
      } else break;
    }
    return offset;
  }
}

/** What the file in `auth.password_file` holds, where there is one. */
function readPassword(file: ConfigurationFile): { password?: string; problem?: ConfigurationProblem } {
  const { auth } = Object(file.content) as { auth?: { password_file?: unknown } };
  const path = auth?.password_file;
  if (typeof path !== 'string' || path === '') return {};
  try {
    const password = readPasswordFile(file.resolve(path));
    file.secrets.add(password);
    return { password };
  } catch (error) {
    return { problem: { path: ['auth', 'password_file'], message: describeError(error) } };
  }
}

/** Where aliases stand within their own anchors. */
function circlesIn(document: Document): number[] {
  const offsets: number[] = [];
  visit(document, {
    Alias(_key, alias, path) {
      const target = alias.resolve(document);
      if (target && path.includes(target)) offsets.push(alias.range?.[0] ?? 0);
    },
  });
  return offsets;
}

const REMEDIES: Readonly<Record<string, string>> = {
  EACCES: 'let the user of this process read it',
  EISDIR: 'name a file in it',
  ENOENT: 'put it back, or name another one',
};

function readSource(path: string): string {
  const bytes = readBytes(path);
  const fail = (message: string) => new ConfigurationError([{ path: [], message, file: path }]);
  if (!isUtf8(bytes)) throw fail('this is no UTF-8: save it in that encoding');
  const source = new TextDecoder().decode(bytes);
  if (source.trim() === '') throw fail('the file is empty: a configuration is a JSON or YAML object');
  return source;
}

function readBytes(path: string): Buffer {
  try {
    return readRegularFile(path);
  } catch (error) {
    const remedy = REMEDIES[(error as NodeJS.ErrnoException).code ?? ''];
    const message = `can't read the file: ${reasonOf(error)}${remedy === undefined ? '' : `: ${remedy}`}`;
    throw new ConfigurationError([{ path: [], message, file: path }], { cause: error });
  }
}

function placeOf(lines: LineCounter, offset: number): { line: number; column: number } {
  const { line, col } = lines.linePos(offset);
  return { line, column: col };
}
