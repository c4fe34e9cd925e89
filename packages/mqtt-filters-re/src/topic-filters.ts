import { uniteTopicFilters } from '@cstbox/mqtt-core';
import type { Node, Pattern } from './regex/ast.js';
import type { CharacterSet } from './regex/character-set.js';

/** A topic filter for each way through a pattern; more than that many, and parts of it are taken as anything. */
const MAX_PATHS = 64;
/** Repetitions are written out up to that many turns. */
const MAX_TURNS = 8;
/** Members of a class that are tried one by one. */
const MAX_MEMBERS = 8;
const SLASH = 0x2f;

/**
 * The narrowest MQTT topic filters that bring every topic that a pattern matches, but those that start with `$` where the
 * pattern leaves the first level open: no filter brings the broker's own topics together with others (MQTT 3.1.1, section
 * 4.7.2).
 */
export function topicFiltersOf(pattern: Pattern): string[] {
  return new Walk().filtersOf(pattern.root);
}

/** What is known of the topics that lead to a place in the pattern. */
interface Path {
  /** Whole levels; `+` for one that may be anything. */
  readonly levels: readonly string[];
  /** The level under way; `undefined`: anything without a slash. */
  readonly current: string | undefined;
  /** `open`: the topic goes on; `closed`: it ends here; `rest`: it may go on as it likes, by levels. */
  readonly state: 'open' | 'closed' | 'rest';
}

const START: Path = { levels: [], current: '', state: 'open' };

class Walk {
  readonly #groups = new Map<number, Node>();

  filtersOf(root: Node): string[] {
    // A pattern need not reach the end of the topic.
    const paths = this.#walk(root, [START]).map((path) => (path.state === 'open' ? rest(path, false) : path));
    return uniteTopicFilters(paths.flatMap((path) => filterOf(path) ?? []));
  }

  #walk(node: Node, paths: readonly Path[]): readonly Path[] {
    const after = this.#step(node, paths);
    return after.length > MAX_PATHS ? unique(paths.map((path) => this.#anything(node, path))) : after;
  }

  #step(node: Node, paths: readonly Path[]): readonly Path[] {
    switch (node.kind) {
      case 'char':
        return unique(paths.flatMap((path) => character(node.set, path)));
      case 'sequence':
        return node.items.reduce((reached, item) => this.#walk(item, reached), paths);
      case 'alternatives':
        return unique(node.options.flatMap((option) => this.#walk(option, paths)));
      case 'group':
        this.#groups.set(node.index, node.node);
        return this.#walk(node.node, paths);
      case 'repeat':
        return this.#repeat(node.node, node.min, node.max, paths);
      case 'end':
        return paths.map((path) => (path.state === 'open' ? { ...path, state: 'closed' } : path));
      case 'backreference':
        return unique(paths.map((path) => this.#anything(this.#groups.get(node.index) ?? node, path)));
      case 'look':
      case 'start':
      case 'boundary':
        return paths;
    }
  }

  #repeat(node: Node, min: number, max: number, paths: readonly Path[]): readonly Path[] {
    const isShort = max <= MAX_TURNS;
    let reached = paths;
    const all: Path[] = min === 0 ? [...paths] : [];
    for (let turn = 1; turn <= (isShort ? max : Math.min(min, MAX_TURNS)); turn++) {
      reached = this.#walk(node, reached);
      if (turn >= min) all.push(...reached);
    }
    if (isShort) return unique(all);
    return unique([...all, ...reached.map((path) => this.#anything(node, path))]);
  }

  /** The path after any number of turns of a node. */
  #anything(node: Node, path: Path): Path {
    if (path.state !== 'open') return path;
    return this.#mayHaveSlash(node) ? rest(path, startsWithSlash(node)) : { ...path, current: undefined };
  }

  #mayHaveSlash(node: Node): boolean {
    switch (node.kind) {
      case 'char':
        return node.set.has(SLASH);
      case 'sequence':
        return node.items.some((item) => this.#mayHaveSlash(item));
      case 'alternatives':
        return node.options.some((option) => this.#mayHaveSlash(option));
      case 'group':
        this.#groups.set(node.index, node.node);
        return this.#mayHaveSlash(node.node);
      case 'repeat':
        return this.#mayHaveSlash(node.node);
      case 'backreference': {
        const group = this.#groups.get(node.index);
        return group === undefined || this.#mayHaveSlash(group);
      }
      default:
        return false;
    }
  }
}

function character(set: CharacterSet, path: Path): Path[] {
  if (path.state === 'rest') return [path];
  // After the end of the topic nothing comes: a new line is in none.
  if (path.state === 'closed') return [];
  const members = membersOf(set);
  if (members) return members.flatMap((member) => append(member, path) ?? []);
  const within: Path = { ...path, current: undefined };
  return set.has(SLASH) ? [within, nextLevel(path)] : [within];
}

/** `undefined`: no topic has this character. */
function append(member: string, path: Path): Path | undefined {
  if (member === '+' || member === '#') return undefined;
  if (member === '/') return nextLevel(path);
  return path.current === undefined ? path : { ...path, current: path.current + member };
}

function nextLevel({ levels, current = '+' }: Path): Path {
  return { levels: [...levels, current], current: '', state: 'open' };
}

/** From here on the topic is anything; `atSlash`: what follows begins with a slash, if there is anything. */
function rest({ levels, current = '+' }: Path, atSlash: boolean): Path {
  return { levels: [...levels, atSlash ? current : '+'], current: undefined, state: 'rest' };
}

/** The only characters of a set, when they are few and plain. */
function membersOf({ literal, pattern, ignoreCase }: CharacterSet): string[] | undefined {
  if (literal !== undefined) return [String.fromCodePoint(literal)];
  if (ignoreCase || !/^\[(?:[a-zA-Z0-9_](?:-[a-zA-Z0-9_])?)+\]$/.test(pattern)) return undefined;
  const members: string[] = [];
  for (const [, from = '', to = from] of pattern.matchAll(/([a-zA-Z0-9_])(?:-([a-zA-Z0-9_]))?/g)) {
    for (let code = from.charCodeAt(0); code <= to.charCodeAt(0); code++) members.push(String.fromCharCode(code));
    if (members.length > MAX_MEMBERS) return undefined;
  }
  return members;
}

function startsWithSlash(node: Node): boolean {
  switch (node.kind) {
    case 'char':
      return node.set.literal === SLASH;
    case 'sequence':
      return node.items[0] !== undefined && startsWithSlash(node.items[0]);
    case 'alternatives':
      return node.options.every(startsWithSlash);
    case 'group':
      return startsWithSlash(node.node);
    case 'repeat':
      return node.min > 0 && startsWithSlash(node.node);
    default:
      return false;
  }
}

function filterOf({ levels, current = '+', state }: Path): string | undefined {
  if (state === 'closed') return [...levels, current].join('/') || undefined;
  // `+/#` is everything, and `#` says so.
  return levels.length === 1 && levels[0] === '+' ? '#' : [...levels, '#'].join('/');
}

function unique(paths: readonly Path[]): Path[] {
  const byKey = new Map<string, Path>();
  for (const path of paths) {
    byKey.set(`${path.state}${path.levels.length}\0${path.levels.join('/')}\0${path.current ?? '\0'}`, path);
  }
  return [...byKey.values()];
}
