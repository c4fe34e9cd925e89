import { quote } from '../quote.js';
import { type Automaton, withoutMarkers } from './automaton.js';
import { cyclesThrough, type Graph, nodesOnCycles } from './cycles.js';
import type { Findings } from './findings.js';
import { type Language, type RuleLanguages, textsOf } from './languages.js';
import { image } from './output.js';
import { preimage } from './preimage.js';
import type { Replay } from './replay.js';
import { restrict } from './restrict.js';
import type { InRule, OutRule } from './rules.js';
import type { UnionAutomaton } from './union-automaton.js';
import type { Common } from './vocabulary.js';

/** A rule that publishes, and the channel on which the event comes that it publishes. */
interface Out {
  readonly language: Language<OutRule>;
  readonly channel: string;
}

/** One turn of a loop: an event goes out, and its message comes in as the event of a place in the rule's list. */
interface Turn extends Out {
  readonly back: Language<InRule>;
  readonly emitted: number;
}

/** Ways through the graph of rules that are looked at for one rule. */
const MAX_WAYS = 200;
/** Events that are tried to show a loop. */
const MAX_TRIES = 10;

/** What the search for loops looks at. */
export interface LoopContext {
  readonly outbound: RuleLanguages<OutRule>;
  readonly inbound: RuleLanguages<InRule>;
  /** The topics that are subscribed to; `undefined`: whatever the rules need. */
  readonly subscribed: UnionAutomaton | undefined;
  readonly common: Common;
  readonly replay: Replay;
  readonly findings: Findings;
}

/**
 * Reports ways on which an event goes out on a topic that comes back in as an event that the same rule sends out.
 *
 * First the rules are linked whose texts meet, more rather than fewer; then each cycle is walked backwards with the texts
 * that really come along it, and what is left is shown by an event that the rules themselves are asked about. Rules with
 * `allow_loop` are not in the graph.
 */
export async function findLoops(context: LoopContext): Promise<void> {
  const { findings } = context;
  const { nodes, turns, graph } = await linkRules(context);
  const onCycles = nodesOnCycles(graph);
  const covered = new Set<string>();
  const starts = [...onCycles].sort((a, b) => a - b).map((node) => nodes[node] as Out);
  await findings.forEach(
    starts.map(({ language }) => language.rule),
    'loops through both buses',
    (rule, place) => {
      if (covered.has(rule.path.join())) return;
      const start = nodes.indexOf(starts[place] as Out);
      let ways = 0;
      for (const way of cyclesThrough(start, graph, (node) => onCycles.has(node))) {
        if (++ways > MAX_WAYS) {
          const message = `not everything was looked at: loops through this rule, beyond the first ${MAX_WAYS} ways`;
          findings.add({ severity: 'info', code: 'incomplete', rule: rule.name, path: rule.path, message });
          return;
        }
        for (const loop of loopsAlong(way, nodes, turns)) {
          if (!reportLoop(loop, context)) continue;
          for (const { language } of loop) covered.add(language.rule.path.join());
          return;
        }
      }
    },
  );
}

/** Which rule's events may come back as events of which. */
async function linkRules({ outbound, inbound, common, findings }: LoopContext) {
  const nodes: Out[] = [];
  const nodeOf = new Map<string, number>();
  for (const language of outbound.all) {
    if (language.rule.allowLoop !== undefined) continue;
    for (const channel of language.rule.channels) {
      nodeOf.set(`${channel};${language.index}`, nodes.length);
      nodes.push({ language, channel });
    }
  }
  const targets = new Map<string, readonly number[]>();
  const targetsOf = (back: Language<InRule>, emitted: number): readonly number[] => {
    const key = `${back.index};${emitted}`;
    let known = targets.get(key);
    if (!known) {
      const { channel } = back.rule.written[emitted] as { channel: string };
      const events = image(back.marked, back.outputs[emitted] ?? [], common.alphabet);
      known = outbound.union.meeting(events).flatMap((index) => nodeOf.get(`${channel};${index}`) ?? []);
      targets.set(key, known);
    }
    return known;
  };
  /** By the index of an outbound rule: what may come of the messages that it publishes. */
  const links: { back: Language<InRule>; emitted: number; to: number }[][] = [];
  const rules = outbound.all.map(({ rule }) => rule);
  await findings.forEach(rules, 'what comes back in of what goes out', (rule, index) => {
    if (rule.allowLoop !== undefined) return;
    const { marked, outputs } = outbound.all[index] as Language<OutRule>;
    const topics = image(marked, outputs[0] ?? [], common.alphabet);
    links[index] = inbound.union.meeting(topics).flatMap((each) => {
      const back = inbound.all[each] as Language<InRule>;
      if (back.rule.allowLoop !== undefined) return [];
      return back.outputs.flatMap((_, emitted) => targetsOf(back, emitted).map((to) => ({ back, emitted, to })));
    });
  });
  const turns = nodes.map(({ language }) => links[language.index] ?? []);
  const graph: Graph = turns.map((each) => [...new Set(each.map(({ to }) => to))]);
  return { nodes, turns, graph };
}

/** The loops along a way through outbound rules: by each choice of inbound rules between them. */
function loopsAlong(
  way: readonly number[],
  nodes: readonly Out[],
  turns: readonly (readonly { back: Language<InRule>; emitted: number; to: number }[])[],
): Turn[][] {
  return way.reduce<Turn[][]>(
    (loops, from, place) => {
      const to = way[(place + 1) % way.length];
      const choices = (turns[from] ?? []).filter((turn) => turn.to === to);
      return loops
        .flatMap((loop) => choices.map(({ back, emitted }) => [...loop, { ...(nodes[from] as Out), back, emitted }]))
        .slice(0, MAX_WAYS);
    },
    [[]],
  );
}

/** Reports a loop, when there are events that go along it. */
function reportLoop(
  loop: readonly Turn[],
  { outbound, inbound, subscribed, common, replay, findings }: LoopContext,
): boolean {
  const { alphabet } = common;
  const [first] = loop as readonly [Turn, ...Turn[]];
  const letters = (marked: Automaton) => withoutMarkers(marked, alphabet.letters);
  let events = letters(outbound.effective(first.language, first.channel));
  for (const { language, channel, back, emitted } of loop.toReversed()) {
    let coming = inbound.effective(back, undefined);
    if (subscribed) coming = restrict(coming, subscribed, ({ taking }) => taking.length > 0, alphabet);
    const topics = preimage(coming, back.outputs[emitted] ?? [], events, alphabet);
    if (topics.isEmpty) return false;
    events = preimage(outbound.effective(language, channel), language.outputs[0] ?? [], topics, alphabet);
    if (events.isEmpty) return false;
  }
  let shown: string[] | undefined;
  for (const event of textsOf(events, MAX_TRIES, common)) {
    shown = walk(event, loop, replay);
    if (shown) break;
  }
  const rules = loop.flatMap(({ language, back }) => [language.rule, back.rule]);
  const areTuples = rules.every(({ isTuple }) => isTuple);
  const remedy = `${areTuples ? 'write one of them as an object with' : 'give one of them'} allow_loop: "<why>"`;
  const judged = rules.filter(({ judgedBy }) => judgedBy.length > 0);
  const unseen = judged.map(({ name, judgedBy }) => `${judgedBy.join(' and ')} of ${name}`).join(', ');
  const { rule } = first.language;
  const way = rules.map(({ name }) => name).join(' → ');
  const what = shown
    ? `an event that goes out comes back in as an event that goes out: ${shown.map(quote).join(' → ')}`
    : `not exact: an event that goes out may come back in as an event that goes out`;
  findings.add({
    severity: shown ? 'error' : 'warning',
    code: areTuples ? 'possible_tuple_loop' : 'possible_loop',
    rule: rule.name,
    path: rule.path,
    message:
      `${what} (rules: ${way}); publish on topics that do not come in, or emit on a channel that does not go out; ` +
      `if it is meant, ${remedy}${unseen && `; what these allow was not looked at: ${unseen}`}`,
    ...(shown?.[0] !== undefined && { example: shown[0] }),
  });
  return true;
}

/** The way of an event along a loop: event, topic, event, topic, …, as the rules decide; or it is none. */
function walk(event: string, loop: readonly Turn[], replay: Replay): string[] | undefined {
  const shown = [event];
  let current = event;
  for (const [place, { language, channel, back, emitted }] of loop.entries()) {
    const topic = replay.publish(language.rule, current, channel);
    if (topic === undefined) return undefined;
    const target = replay.receive(back.rule, topic)[emitted];
    if (!target) return undefined;
    current = `${target.varType}:${target.varName}`;
    shown.push(topic, current);
    const next = loop[(place + 1) % loop.length] as Turn;
    if (target.channel !== next.channel) return undefined;
  }
  const [first] = loop as readonly [Turn, ...Turn[]];
  const last = replay.publish(first.language.rule, current, first.channel);
  return last === undefined ? undefined : [...shown, last];
}
