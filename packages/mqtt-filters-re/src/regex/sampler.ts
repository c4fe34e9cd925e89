import type { Node, RepeatNode } from './ast.js';
import type { CharacterSet } from './character-set.js';

/** Thrown to get out when the text is long enough. */
const ENOUGH = Symbol('enough');

/** Makes texts that a pattern, or its start, probably matches: what it says of places and looks is ignored. */
export class Sampler {
  readonly #target: RepeatNode;
  readonly #turns: number;
  readonly #option: number;
  readonly #captured: string[] = [];
  #text = '';

  /**
   * @param target the repetition to turn
   * @param turns how often
   * @param option which of several alternatives to take, where there are as many
   */
  constructor(target: RepeatNode, turns: number, option: number) {
    this.#target = target;
    this.#turns = turns;
    this.#option = option;
  }

  /** The text up to the end of the target; `undefined` when the target is not reached. */
  upToTarget(root: Node): string | undefined {
    try {
      this.#add(root);
      return undefined;
    } catch (thrown) {
      if (thrown !== ENOUGH) throw thrown;
      return this.#text;
    }
  }

  #add(node: Node): void {
    switch (node.kind) {
      case 'char':
        this.#text += memberOf(node.set);
        return;
      case 'sequence':
        for (const item of node.items) this.#add(item);
        return;
      case 'alternatives':
        this.#add(this.#choose(node.options));
        return;
      case 'repeat': {
        const turns = node === this.#target ? this.#turns : holds(node.node, this.#target) ? 1 : node.min;
        for (let turn = 0; turn < turns; turn++) this.#add(node.node);
        if (node === this.#target) throw ENOUGH;
        return;
      }
      case 'group': {
        const start = this.#text.length;
        this.#add(node.node);
        this.#captured[node.index] = this.#text.slice(start);
        return;
      }
      case 'look':
        if (!node.negative && holds(node.node, this.#target)) this.#add(node.node);
        return;
      case 'backreference':
        this.#text += this.#captured[node.index] ?? '';
    }
  }

  #choose(options: readonly Node[]): Node {
    const leading = options.find((option) => holds(option, this.#target));
    return (leading ?? options[this.#option] ?? options[0]) as Node;
  }
}

function holds(node: Node, target: Node): boolean {
  if (node === target) return true;
  switch (node.kind) {
    case 'sequence':
      return node.items.some((item) => holds(item, target));
    case 'alternatives':
      return node.options.some((option) => holds(option, target));
    case 'repeat':
    case 'group':
    case 'look':
      return holds(node.node, target);
    default:
      return false;
  }
}

/** A character out of a set; nothing where none is at hand. */
function memberOf(set: CharacterSet): string {
  if (set.literal !== undefined) return String.fromCodePoint(set.literal);
  for (const likely of 'a0/:_-. ') {
    if (set.has(likely.codePointAt(0) as number)) return likely;
  }
  for (let codePoint = 32; codePoint < 0x500; codePoint++) {
    if (set.has(codePoint)) return String.fromCodePoint(codePoint);
  }
  return '';
}
