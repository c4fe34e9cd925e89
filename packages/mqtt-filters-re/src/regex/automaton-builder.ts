import type { Node, RepeatNode } from './ast.js';
import { type Parked, State } from './automaton-state.js';
import { CharacterSet } from './character-set.js';

/** Turns of a repetition that are told apart. More of them would find no more than a few candidates less. */
const TURNS = 4;

/** Ways that a rule has in the automaton, where it has alternatives: more of them stay together. */
const WAYS = 8;

/**
 * Adds a rule to the automaton. Rules that start with the same items share them, and where a rule is alone, the rest of
 * it is left out: who gets there is a candidate.
 */
export function addRule(root: State, rule: number, pattern: Node): void {
  add(root, { rule, items: flatten(pattern), next: 0, ways: WAYS }, false);
}

/** @param isSpread whether to go on at least by an item, though no other rule is there */
function add(start: State, way: Parked, isSpread: boolean): void {
  const { rule, items, ways } = way;
  let state = start;
  for (let { next } = way; next < items.length; next++) {
    const isAlone = state.isEmpty && !(isSpread && next === way.next);
    if (isAlone) {
      state.parked = { rule, items, next, ways };
      return;
    }
    const { parked } = state;
    if (parked) {
      state.parked = undefined;
      add(state, parked, true);
    }
    const item = items[next] as Node;
    if (item.kind === 'alternatives' && item.options.length <= ways) {
      const rest = items.slice(next + 1);
      for (const option of item.options) {
        const each = {
          rule,
          items: [...flatten(option), ...rest],
          next: 0,
          ways: Math.floor(ways / item.options.length),
        };
        add(state, each, true);
      }
      return;
    }
    state = behind(state, item);
  }
  state.rules ??= [];
  state.rules.push(rule);
}

/** The items of a pattern, one after the other; whether a group captures does not matter here. */
function flatten(node: Node, items: Node[] = []): Node[] {
  if (node.kind === 'group') flatten(node.node, items);
  else if (node.kind === 'sequence') for (const item of node.items) flatten(item, items);
  else items.push(node);
  return items;
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
