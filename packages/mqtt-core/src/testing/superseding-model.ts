import assert from 'node:assert/strict';
import type { OutboxEntry } from '../outbox.js';
import { mulberry32, payloadOf, type Tested } from './tested-outbox.js';

interface Item {
  readonly topic: string;
  readonly latest: boolean;
  /** While it is taken. */
  entry: OutboxEntry | undefined;
}

/**
 * Does by chance what can be done to an outbox, with few topics, and knows of each message whether it waits: of those that
 * say `latest`, one at the most is ready on each topic, and while the newest of all waits, no other; and nothing is superseded
 * while no newer one waits.
 */
export class SupersedingModel {
  readonly #tested: Tested;
  readonly #random: () => number;
  /** What waits, by payload, in order. */
  readonly #items = new Map<string, Item>();
  /** By topic, the payload of the last one that was put and says `latest`. */
  readonly #last = new Map<string, string>();
  #seen = 0;

  constructor(tested: Tested, seed: number) {
    this.#tested = tested;
    this.#random = mulberry32(seed);
  }

  async run(steps: number): Promise<void> {
    for (let step = 0; step < steps; step++) {
      const dice = this.#random();
      if (dice < 0.4) this.#put(String(step));
      else if (dice < 0.75) await this.#take();
      else if (dice < 0.95) this.#settleOne();
      else this.#giveSomeBack();
      this.#check();
    }
  }

  #put(payload: string): void {
    const latest = this.#random() < 0.7;
    const topic = `t${Math.floor(this.#random() * 4)}`;
    this.#items.set(payload, { topic, latest, entry: undefined });
    if (latest) this.#last.set(topic, payload);
    this.#tested.outbox.put({ topic, payload, qos: 1, retain: false, rule: `rule ${payload}`, latest });
  }

  async #take(): Promise<void> {
    const oldest = [...this.#items].find(([, { entry }]) => entry === undefined);
    if (!oldest) return assert.equal(this.#tested.outbox.take(), undefined);
    const entry = await this.#tested.next();
    assert.equal(payloadOf(entry), oldest[0]);
    oldest[1].entry = entry;
  }

  #settleOne(): void {
    const taken = this.#taken();
    const payload = taken[Math.floor(this.#random() * taken.length)];
    const entry = this.#items.get(payload ?? '')?.entry;
    if (payload === undefined || !entry) return;
    this.#items.delete(payload);
    this.#tested.settle(entry);
  }

  #giveSomeBack(): void {
    const taken = this.#taken();
    if (this.#random() < 0.5) taken.reverse();
    for (const payload of taken) {
      if (this.#random() < 0.3) continue;
      const item = this.#items.get(payload);
      const entry = item?.entry;
      if (!item || !entry) continue;
      item.entry = undefined;
      this.#tested.outbox.giveBack(entry);
    }
  }

  #taken(): string[] {
    return [...this.#items].filter(([, { entry }]) => entry).map(([payload]) => payload);
  }

  #check(): void {
    const { losses, outbox } = this.#tested;
    for (const [reason, count, rule = ''] of losses.slice(this.#seen)) {
      const payload = rule.slice('rule '.length);
      const item = this.#items.get(payload);
      assert.ok(item && !item.entry && count === 1, `${rule} was not ready`);
      if (reason === 'superseded') assert.ok(item.latest && this.#newestOf(item.topic) !== item);
      this.#items.delete(payload);
    }
    this.#seen = losses.length;
    assert.equal(outbox.waiting, this.#items.size);
    const ready = [...this.#items.values()].filter(({ latest, entry }) => latest && !entry);
    assert.equal(new Set(ready.map(({ topic }) => topic)).size, ready.length, 'two are ready on a topic');
    for (const item of ready) {
      const last = this.#items.get(this.#last.get(item.topic) ?? '');
      assert.ok(!last || last === item, 'an older one is ready');
    }
  }

  /** The newest that waits on a topic and says `latest`. */
  #newestOf(topic: string): Item | undefined {
    return [...this.#items.values()].findLast((item) => item.latest && item.topic === topic);
  }
}
