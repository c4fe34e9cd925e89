import type { Node } from './ast.js';
import { canBeEmpty } from './node-facts.js';

/** A bound for the instructions of a part, without compiling it. */
export function sizeBound(node: Node, levels = 1): number {
  switch (node.kind) {
    case 'sequence':
      return node.items.reduce((sum, item) => sum + sizeBound(item, levels), levels);
    case 'alternatives':
      return node.options.reduce((sum, option) => sum + sizeBound(option, levels) + levels, levels);
    case 'group':
      return sizeBound(node.node, levels) + 3 * levels;
    case 'look':
      return sizeBound(node.node) + 1 + 2 * levels;
    case 'repeat': {
      if (node.node.kind === 'char' && node.min === node.max) return 2 * levels;
      const isEmptyPossible = canBeEmpty(node.node);
      const endless = isEmptyPossible || node.node.kind === 'char' ? node.min + 1 : Math.max(node.min, 1);
      const turns = Number.isFinite(node.max) ? node.max : endless;
      return turns * (sizeBound(node.node, levels + (isEmptyPossible ? 1 : 0)) + levels + 1) + 2 * levels;
    }
    default:
      return 2 * levels;
  }
}
