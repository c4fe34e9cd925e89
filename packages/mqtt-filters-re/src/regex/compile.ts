import type {
  AlternativesNode,
  BoundaryNode,
  GroupNode,
  LookNode,
  Node,
  Pattern,
  RepeatNode,
  SequenceNode,
} from './ast.js';
import type { CharacterSet } from './character-set.js';
import { canBeEmpty, hasReference } from './node-facts.js';
import { type Look, Op, type Program, type Run, STRIDE } from './program.js';

/** Instructions of a program at most, and parts of the tree that are looked at to make it. */
export const MAX_INSTRUCTIONS = 20_000;

/** How many instructions are looked at to find out what can follow a repetition. */
const LOOKAHEAD = 8;

/**
 * Where to go on, by how much progress was made: the first entry holds where none of the repetitions around the place
 * has moved on in its present turn, the second where the outermost has, the last where all have. Python ends a
 * repetition after a turn that matched nothing; so such a turn leads to what follows, any other one back to the next
 * turn. There is an entry for each repetition that can have a turn of nothing, and one more.
 */
type Exits = readonly number[];

/**
 * Makes a program of a pattern, from its end to its start, so that each part knows where to go on.
 *
 * @throws {SyntaxError} when it would have too many instructions
 */
export function compile({ root, groupCount, ignoreCase }: Pattern): Program {
  return new Compiler().compile(root, groupCount, ignoreCase);
}

class Compiler {
  readonly #code: number[] = [];
  /** Whether what comes of an instruction depends on captured text. */
  readonly #dependent: boolean[] = [];
  readonly #sets: CharacterSet[] = [];
  readonly #setIndices = new Map<CharacterSet, number>();
  readonly #runs: Run[] = [];
  readonly #looks: Look[] = [];
  readonly #lookIndices = new Map<LookNode, number>();
  #loops = 0;
  #work = 0;

  compile(root: Node, groupCount: number, ignoreCase: boolean): Program {
    const [entry = 0] = this.#part(root, [this.#add(Op.MATCH)], false);
    return {
      code: Int32Array.from(this.#code),
      entry,
      sets: this.#sets,
      loops: this.#loops,
      runs: this.#runs,
      looks: this.#looks,
      slotCount: 2 * (groupCount + 1),
      ignoreCase,
    };
  }

  #add(op: number, a = 0, b = -1, c = -1, dependent = this.#depends(b)): number {
    this.#spend(1);
    this.#dependent.push(dependent);
    return this.#code.push(op, a, b, c) / STRIDE - 1;
  }

  #depends(instruction: number): boolean {
    return instruction >= 0 && this.#dependent[instruction] === true;
  }

  #spend(work: number): void {
    this.#work += work;
    if (this.#work > MAX_INSTRUCTIONS) {
      throw new SyntaxError(
        `it is too large: counted repetitions multiply to more than ${MAX_INSTRUCTIONS} instructions`,
      );
    }
  }

  /** @param back whether it is matched from right to left */
  #part(node: Node, exits: Exits, back: boolean): Exits {
    this.#spend(exits.length - 1);
    switch (node.kind) {
      case 'char':
        return this.#character(node.set, exits, back);
      case 'sequence':
        return this.#sequence(node, exits, back);
      case 'alternatives':
        return this.#alternatives(node, exits, back);
      case 'repeat':
        return this.#repeat(node, exits, back);
      case 'group':
        return this.#group(node, exits, back);
      case 'look':
        return this.#look(node, exits);
      case 'start':
        return this.#place(node.multiline ? Op.LINE_START : Op.START, 0, exits);
      case 'end':
        return this.#place(node.multiline ? Op.LINE_END : Op.END, 0, exits);
      case 'boundary':
        return this.#boundary(node, exits);
      case 'backreference':
        return this.#reference(node.index, exits, back);
    }
  }

  #character(set: CharacterSet, exits: Exits, back: boolean): Exits {
    const next = exits.at(-1);
    const instruction =
      set.literal === undefined
        ? this.#add(back ? Op.SET_BACK : Op.SET, this.#indexOf(set), next)
        : this.#add(back ? Op.CHAR_BACK : Op.CHAR, set.literal, next);
    return exits.map(() => instruction);
  }

  #indexOf(set: CharacterSet): number {
    let index = this.#setIndices.get(set);
    if (index === undefined) {
      index = this.#sets.push(set) - 1;
      this.#setIndices.set(set, index);
    }
    return index;
  }

  #sequence({ items }: SequenceNode, exits: Exits, back: boolean): Exits {
    let next = exits;
    for (const item of back ? items : items.toReversed()) next = this.#part(item, next, back);
    return next;
  }

  #alternatives({ options }: AlternativesNode, exits: Exits, back: boolean): Exits {
    const entries = options.map((option) => this.#part(option, exits, back));
    return entries.reduceRight((rest, entry) => this.#split(entry, rest));
  }

  /** One choice for each entry; where an entry is the same as that before it, the choice is. */
  #split(first: Exits, second: Exits): Exits {
    const entries: number[] = [];
    for (const [level, one] of first.entries()) {
      const other = second[level];
      const isSame = level > 0 && one === first[level - 1] && other === second[level - 1];
      entries.push(isSame ? (entries[level - 1] as number) : this.#choice(one, other));
    }
    return entries;
  }

  #choice(first: number, second: number | undefined): number {
    const dependent = this.#depends(first) || this.#depends(second ?? -1);
    return this.#add(dependent ? Op.SPLIT_AGAIN : Op.SPLIT, 0, first, second, dependent);
  }

  #place(op: number, operand: number, exits: Exits): Exits {
    const entries: number[] = [];
    for (const [level, exit] of exits.entries()) {
      const isSame = level > 0 && exit === exits[level - 1];
      entries.push(isSame ? (entries[level - 1] as number) : this.#add(op, operand, exit));
    }
    return entries;
  }

  #group({ index, node }: GroupNode, exits: Exits, back: boolean): Exits {
    const [first, last] = [2 * index, 2 * index + 1];
    const inside = this.#part(node, this.#place(Op.SAVE, back ? first : last, exits), back);
    return this.#place(Op.SAVE, back ? last : first, inside);
  }

  #boundary({ negative, word }: BoundaryNode, exits: Exits): Exits {
    return this.#place(negative ? Op.NO_BOUNDARY : Op.BOUNDARY, this.#indexOf(word), exits);
  }

  #look(look: LookNode, exits: Exits): Exits {
    let index = this.#lookIndices.get(look);
    if (index === undefined) {
      const [entry = 0] = this.#part(look.node, [this.#add(Op.MATCH)], !look.ahead);
      index = this.#looks.push({ entry, negative: look.negative }) - 1;
      this.#lookIndices.set(look, index);
    }
    const entries = this.#place(Op.LOOK, index, exits);
    if (hasReference(look.node)) for (const entry of entries) this.#dependent[entry] = true;
    return entries;
  }

  #reference(group: number, exits: Exits, back: boolean): Exits {
    const moved = exits.at(-1);
    return exits.map((exit) => this.#add(back ? Op.REFERENCE_BACK : Op.REFERENCE, group, moved, exit, true));
  }

  #repeat({ node, min, max, greedy }: RepeatNode, exits: Exits, back: boolean): Exits {
    if (node.kind === 'char' && !back) {
      if (min === max || this.#cannotFollow(node.set, exits, greedy))
        return this.#run({ set: node.set, min, max }, exits);
      if (min > 1)
        return this.#run({ set: node.set, min, max: min }, this.#optional(node, max - min, greedy, exits, back));
    }
    // The last turn that has to be is one of the loop's, so that repetitions within repetitions do not double.
    const isLoopEntered = min > 0 && max === Number.POSITIVE_INFINITY && node.kind !== 'char' && !canBeEmpty(node);
    let next = isLoopEntered
      ? this.#loop(node, greedy, exits, back, true)
      : this.#optional(node, max - min, greedy, exits, back);
    for (let turn = isLoopEntered ? 1 : 0; turn < min; turn++) {
      this.#spend(1);
      next = this.#part(node, next, back);
    }
    return next;
  }

  /** Turns that need not be. */
  #optional(node: Node, turns: number, greedy: boolean, exits: Exits, back: boolean): Exits {
    if (turns === Number.POSITIVE_INFINITY) return this.#loop(node, greedy, exits, back);
    let next = exits;
    for (let turn = 0; turn < turns; turn++) {
      this.#spend(1);
      // A turn of nothing is the last.
      const isEmptyTheLast = turn > 0 && canBeEmpty(node);
      const entry = isEmptyTheLast
        ? this.#part(node, [...exits, next.at(-1) as number], back).slice(0, -1)
        : this.#part(node, next, back);
      next = greedy ? this.#split(entry, exits) : this.#split(exits, entry);
    }
    return next;
  }

  /** @param isEntered whether to start with a turn, and not with the choice */
  #loop(node: Node, greedy: boolean, exits: Exits, back: boolean, isEntered = false): Exits {
    const last = exits.length - 1;
    if (node.kind === 'char' && greedy && !back && exits.every((exit) => exit === exits[0])) {
      const op = exits.some((exit) => this.#depends(exit)) ? Op.LOOP_AGAIN : Op.LOOP;
      const loop = this.#add(op, this.#indexOf(node.set), exits[0], this.#loops++);
      return exits.map(() => loop);
    }
    const dependent = hasReference(node) || exits.some((exit) => this.#depends(exit));
    const again = this.#add(dependent ? Op.SPLIT_AGAIN : Op.SPLIT, 0, -1, -1, dependent);
    const entry = canBeEmpty(node)
      ? this.#part(node, [...exits, again], back).slice(0, -1)
      : this.#part(
          node,
          exits.map(() => again),
          back,
        );
    const turn = entry[last] as number;
    const exit = exits[last] as number;
    this.#code[STRIDE * again + 2] = greedy ? turn : exit;
    this.#code[STRIDE * again + 3] = greedy ? exit : turn;
    if (isEntered) return entry;
    // Where no progress was made around it, the first turn may start from elsewhere than the others.
    return exits.map((exitHere, level) => {
      const turnHere = entry[level] as number;
      if (turnHere === turn && exitHere === exit) return again;
      return greedy ? this.#choice(turnHere, exitHere) : this.#choice(exitHere, turnHere);
    });
  }

  #run(run: Run, exits: Exits): Exits {
    const index = this.#runs.push(run) - 1;
    const moved = exits.at(-1) as number;
    const entries: number[] = [];
    for (const [level, exit] of exits.entries()) {
      const isSame = level > 0 && exit === exits[level - 1];
      entries.push(isSame ? (entries[level - 1] as number) : this.#add(Op.RUN, index, moved, exit));
    }
    return entries;
  }

  /** Whether what follows never starts with a character of the set: then to take all of them is the only way. */
  #cannotFollow(set: CharacterSet, exits: Exits, greedy: boolean): boolean {
    let looks = LOOKAHEAD;
    const isApart = (instruction: number): boolean => {
      if (looks-- === 0) return false;
      const [op, a, b, c] = this.#code.slice(STRIDE * instruction, STRIDE * (instruction + 1)) as [
        number,
        number,
        number,
        number,
      ];
      switch (op) {
        case Op.MATCH:
          return greedy;
        case Op.END:
          return true;
        case Op.CHAR:
          return !set.has(a);
        case Op.SAVE:
          return isApart(b);
        case Op.SPLIT:
        case Op.SPLIT_AGAIN:
          // One that is not finished yet is a repetition around this place.
          return b >= 0 && isApart(b) && isApart(c);
        default:
          return false;
      }
    };
    return new Set(exits).size <= LOOKAHEAD && [...new Set(exits)].every(isApart);
  }
}
