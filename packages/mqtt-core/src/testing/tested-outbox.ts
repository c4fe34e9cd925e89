import assert from 'node:assert/strict';
import type { GiveUp, OutboundMessage, Outbox, OutboxEntry, OutboxLoss } from '../outbox.js';

/** The bounds that an outbox under test is to have. */
export interface OutboxBounds {
  readonly maxMessages?: number;
  /** Of topics, payloads and user properties. */
  readonly maxBytes?: number;
  readonly maxAgeMs?: number;
  readonly giveUp?: GiveUp;
}

/** An outbox that is made anew for each case, not yet opened, and disposed of after it. */
export interface OutboxUnderTest extends AsyncDisposable {
  readonly outbox: Outbox;
}

/** Makes the function of a case: it runs with an open outbox of its own. */
export function withOutboxFrom(create: (bounds: OutboxBounds) => Promise<OutboxUnderTest>) {
  return (bounds: OutboxBounds, run: (tested: Tested) => Promise<void>): (() => Promise<void>) =>
    async () => {
      await using made = await create(bounds);
      await run(await Tested.open(made.outbox));
    };
}

/** An outbox, with what it gave up, and what was done to it. */
export class Tested {
  readonly losses: [OutboxLoss, number, string | undefined][] = [];
  settled = 0;
  #ready: () => void = () => {};

  private constructor(readonly outbox: Outbox) {}

  static async open(outbox: Outbox): Promise<Tested> {
    const tested = new Tested(outbox);
    const kept = await outbox.open({
      ready: () => tested.#ready(),
      givenUp: (reason, count, rule) => void tested.losses.push([reason, count, rule]),
      kept: () => assert.fail('a new outbox has kept nothing'),
    });
    assert.deepEqual(kept, []);
    return tested;
  }

  put(...payloads: string[]): void {
    for (const payload of payloads) {
      this.outbox.put({ topic: 't', payload, qos: 1, retain: false, rule: `rule ${payload}` });
    }
  }

  /** Puts messages of which only the newest of a topic is wanted. */
  putLatest(topic: string, ...payloads: string[]): void {
    for (const payload of payloads) {
      this.outbox.put({ topic, payload, qos: 1, retain: false, rule: `rule ${payload}`, latest: true });
    }
  }

  settle(entry: OutboxEntry): void {
    this.outbox.settle(entry);
    this.settled++;
  }

  lost(reason?: OutboxLoss): number {
    return this.losses.reduce((sum, [each, count]) => (reason === undefined || each === reason ? sum + count : sum), 0);
  }

  /** The next message, as soon as the outbox has it at hand. */
  async next(): Promise<OutboxEntry> {
    for (;;) {
      const entry = this.outbox.take();
      if (entry) return entry;
      await new Promise<void>((resolve, reject) => {
        const timer = setTimeout(() => reject(new Error('the outbox gave nothing and did not call ready()')), 5_000);
        this.#ready = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
  }

  async nextPayload(): Promise<string> {
    return payloadOf(await this.next());
  }
}

export function payloadOf({ message }: OutboxEntry): string {
  return Buffer.from(bytesOf(message)).toString();
}

/** All of a message in a form in which it can be compared: what is not there is the default. */
export function plain(message: OutboundMessage) {
  const { topic, qos, retain, rule, userProperties, expiresAt, latest = false } = message;
  const properties = userProperties && Object.entries(userProperties);
  return { topic, payload: bytesOf(message), qos, retain, rule, properties, expiresAt, latest };
}

function bytesOf({ payload }: OutboundMessage): Uint8Array {
  return Uint8Array.from(Buffer.from(payload as string));
}

/** Numbers from 0 to 1 that are the same for the same seed. */
export function mulberry32(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
