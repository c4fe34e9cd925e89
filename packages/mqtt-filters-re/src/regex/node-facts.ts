import type { Node } from './ast.js';

/** Whether it can match the empty text; places and looks do, and references may. */
export function canBeEmpty(node: Node): boolean {
  switch (node.kind) {
    case 'char':
      return false;
    case 'sequence':
      return node.items.every(canBeEmpty);
    case 'alternatives':
      return node.options.some(canBeEmpty);
    case 'repeat':
      return node.min === 0 || canBeEmpty(node.node);
    case 'group':
      return canBeEmpty(node.node);
    default:
      return true;
  }
}

/** Whether a reference back to a group is in it. */
export function hasReference(node: Node): boolean {
  switch (node.kind) {
    case 'backreference':
      return true;
    case 'sequence':
      return node.items.some(hasReference);
    case 'alternatives':
      return node.options.some(hasReference);
    case 'repeat':
    case 'group':
    case 'look':
      return hasReference(node.node);
    default:
      return false;
  }
}
