/** A directed graph: where each node leads. Nodes are numbers from 0 on. */
export type Graph = readonly (readonly number[])[];

/** The nodes from which a way leads back to themselves. */
export function nodesOnCycles(graph: Graph): ReadonlySet<number> {
  const onCycles = new Set<number>();
  for (const component of components(graph)) {
    const [only] = component;
    if (component.length > 1 || (only !== undefined && graph[only]?.includes(only))) {
      for (const node of component) onCycles.add(node);
    }
  }
  return onCycles;
}

/** The strongly connected components (Tarjan's algorithm), without recursion: there may be thousands of nodes. */
function components(graph: Graph): number[][] {
  const order = new Map<number, number>();
  const low: number[] = [];
  const stack: number[] = [];
  const isOpen = new Set<number>();
  const found: number[][] = [];
  for (const root of graph.keys()) {
    if (order.has(root)) continue;
    const pending: [node: number, next: number][] = [[root, 0]];
    for (let top = pending.at(-1); top; top = pending.at(-1)) {
      const [node, next] = top;
      if (next === 0) {
        low[node] = order.size;
        order.set(node, order.size);
        stack.push(node);
        isOpen.add(node);
      }
      const to = graph[node]?.[next];
      if (to !== undefined) {
        top[1]++;
        if (!order.has(to)) pending.push([to, 0]);
        else if (isOpen.has(to)) low[node] = Math.min(low[node] as number, order.get(to) as number);
        continue;
      }
      pending.pop();
      const parent = pending.at(-1)?.[0];
      if (parent !== undefined) low[parent] = Math.min(low[parent] as number, low[node] as number);
      if (low[node] !== order.get(node)) continue;
      const component: number[] = [];
      for (let each = stack.pop(); each !== undefined; each = stack.pop()) {
        isOpen.delete(each);
        component.push(each);
        if (each === node) break;
      }
      found.push(component);
    }
  }
  return found;
}

/**
 * Ways from a node back to itself that come by no node twice, the shortest first.
 *
 * @param isOpen whether a way may lead by a node
 */
export function* cyclesThrough(start: number, graph: Graph, isOpen: (node: number) => boolean): Iterable<number[]> {
  const pending: number[][] = [[start]];
  for (let way = pending.shift(); way; way = pending.shift()) {
    for (const to of graph[way.at(-1) as number] ?? []) {
      if (to === start) yield way;
      else if (isOpen(to) && !way.includes(to)) pending.push([...way, to]);
    }
  }
}
