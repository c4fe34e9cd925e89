import type { QoS } from './mqtt-message.js';

/** What of a PUBLISH packet matters for its acknowledgement. */
export interface Arrival {
  readonly id: number;
  readonly qos: QoS;
  readonly dup: boolean;
  readonly topic: string;
  readonly payload: Uint8Array;
}

/** A message that was handed over, until its acknowledgement is sent. */
export interface Handed extends Arrival {
  state: 'pending' | 'accepted' | 'left';
  /** Whether it came, or came again, on the present connection. */
  here: boolean;
}

/**
 * Which messages of the session wait for their acknowledgement, and which are to be acknowledged now: in the order in
 * which they came, each on the connection on which it came, no matter when its handler is done.
 *
 * It also tells what the broker delivers a second time: a message under way is not handed over again, and a QoS 2
 * message not until the broker has released its identifier (MQTT 3.1.1, section 4.3.3).
 */
export class InboundAcknowledgements {
  readonly #send: (qos: QoS, id: number) => void;
  /** By packet identifier: what is not acknowledged yet. */
  readonly #handed = new Map<number, Handed>();
  /** QoS 2: identifiers whose PUBREC was sent, and whose PUBREL has not come. */
  readonly #received = new Set<number>();
  /** In the order of arrival on the present connection. */
  #queue: Handed[] = [];
  #isOpen = false;

  /** @param send sends PUBACK (QoS 1) or PUBREC (QoS 2) on the present connection */
  constructor(send: (qos: QoS, id: number) => void) {
    this.#send = send;
  }

  /** A connection was accepted. Without the session of the one before, the broker has forgotten its identifiers. */
  open(isResumed: boolean): void {
    this.#isOpen = true;
    if (isResumed) return;
    this.#handed.clear();
    this.#received.clear();
  }

  /** The connection ended: nothing may be acknowledged until the message comes again. */
  close(): void {
    this.#isOpen = false;
    for (const handed of this.#queue) handed.here = false;
    this.#queue = [];
  }

  /** Takes note of a message of QoS 1 or 2. Returns what to settle when it is to be handed over, else `undefined`. */
  arrive(arrival: Arrival): Handed | undefined {
    const { id, qos, dup, topic, payload } = arrival;
    if (qos === 2 && this.#received.has(id)) {
      this.#enqueue({ id, qos, dup, topic, payload, state: 'accepted', here: false });
      return undefined;
    }
    const known = this.#handed.get(id);
    // Identifiers are used again: the same one with something else in it is another message.
    if (known && (dup || qos === 2) && isSame(known, arrival)) {
      this.#enqueue(known);
      return undefined;
    }
    const handed: Handed = { id, qos, dup, topic, payload, state: 'pending', here: false };
    this.#handed.set(id, handed);
    this.#enqueue(handed);
    return handed;
  }

  /** The handler is done: acknowledge it, or leave it for the broker to deliver again. */
  settle(handed: Handed, state: 'accepted' | 'left'): void {
    handed.state = state;
    if (state === 'left' && this.#handed.get(handed.id) === handed) this.#handed.delete(handed.id);
    this.#flush();
  }

  /** The broker released the identifier of a QoS 2 message (PUBREL): the next with it is another message. */
  released(id: number): void {
    this.#received.delete(id);
  }

  #enqueue(handed: Handed): void {
    if (handed.here || !this.#isOpen) return;
    handed.here = true;
    this.#queue.push(handed);
    this.#flush();
  }

  #flush(): void {
    if (!this.#isOpen) return;
    for (let head = this.#queue[0]; head && head.state !== 'pending'; head = this.#queue[0]) {
      this.#queue.shift();
      if (head.state === 'left') continue;
      const { id, qos } = head;
      const current = this.#handed.get(id);
      // The broker gave its identifier to another message: that one is answered in its turn.
      if (current !== undefined && current !== head) continue;
      this.#handed.delete(id);
      if (qos === 2) this.#received.add(id);
      this.#send(qos, id);
    }
  }
}

function isSame(a: Arrival, b: Arrival): boolean {
  return a.qos === b.qos && a.topic === b.topic && Buffer.compare(a.payload, b.payload) === 0;
}
