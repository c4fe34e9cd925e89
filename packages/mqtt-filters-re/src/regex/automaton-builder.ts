import type { Node, RepeatNode } from './ast.js';
import { State } from './automaton-state.js';
import { CharacterSet } from './character-set.js';

/** Turns of a repetition that are told apart. More of them would find no more than a few candidates less. */
const TURNS = 4;

/**
 * Adds a rule to the automaton. Rules that start with the same items share them, and where a rule is alone, the rest of
 * it is left out: who gets there is a candidate.
 */
export function addRule(root: State, rule: number, pattern: Node): void {
  const items: Node[] = [];
  flatten(pattern, items);
  add(root, rule, items, 0);
}

function add(start: State, rule: number, items: readonly Node[], first: number): void {
  let state = start;
  for (let next = first; next < items.length; next++) {
    if (state.isEmpty) {
      state.parked = { rule, items, next };
      return;
    }
    const { parked } = state;
    if (parked) {
      state.parked = undefined;
      add(behind(state, parked.items[parked.next] as Node), parked.rule, parked.items, parked.next + 1);
    }
    state = behind(state, items[next] as Node);
  }
  state.rules ??= [];
  state.rules.push(rule);
}

function flatten(node: Node, items: Node[]): void {
  if (node.kind === 'group') flatten(node.node, items);
  else if (node.kind === 'sequence') for (const item of node.items) flatten(item, items);
  else items.push(node);
}

/** The place that a part leads to; what looks around or at the ends of lines and words is taken for granted. */
function behind(state: State, node: Node): State {
  switch (node.kind) {
    case 'char':
      return state.behindCharacter(node.set);
    case 'sequence':
      return node.items.reduce(behind, state);
    case 'group':
      return behind(state, node.node);
    case 'alternatives':
      return state.behindPart(keyOf(node), () => {
        const joined = new State();
        for (const option of node.options) behind(state, option).leadTo(joined);
        return joined;
      });
    case 'repeat':
      return state.behindPart(keyOf(node), () => behindRepeat(state, node));
    case 'backreference':
      return behind(state, ANYTHING);
    case 'end':
      if (node.multiline) return state;
      state.atEnd ??= new State();
      return state.atEnd;
    default:
      return state;
  }
}

const ANYTHING: RepeatNode = {
  kind: 'repeat',
  node: { kind: 'char', set: CharacterSet.any() },
  min: 0,
  max: Number.POSITIVE_INFINITY,
  greedy: true,
};

function behindRepeat(start: State, { node, min, max }: RepeatNode): State {
  let state = start;
  for (let turn = 0; turn < Math.min(min, TURNS); turn++) state = behind(state, node);
  if (max === min && min <= TURNS) return state;
  const loop = new State();
  state.leadTo(loop);
  if (max === 1) behind(state, node).leadTo(loop);
  else behind(loop, node).leadTo(loop);
  return loop;
}

/** The same for parts that match the same, as far as the automaton can tell. */
function keyOf(node: Node): string {
  switch (node.kind) {
    case 'char':
      return node.set.key;
    case 'sequence':
      return node.items.map(keyOf).join('');
    case 'alternatives':
      return `(${node.options.map(keyOf).join('|')})`;
    case 'repeat':
      return `(${keyOf(node.node)}){${node.min},${node.max}}`;
    case 'group':
      return keyOf(node.node);
    case 'end':
      return node.multiline ? '' : '$';
    case 'backreference':
      return keyOf(ANYTHING);
    default:
      return '';
  }
}
