import type { Socket } from 'node:net';

/** What a way through a proxy is like at the moment; read anew for each chunk. */
export interface LaneConditions {
  delayMs: number;
  bytesPerSecond: number;
  isBlackHole: boolean;
  isStalled: boolean;
}

interface Chunk {
  readonly dueMs: number;
  readonly bytes: Buffer;
}

/** The sender is held up beyond this: a proxy must not be a larger buffer than a network. */
const HELD_BYTES = 256 * 1024;
/** How often a throttled lane hands on what is due. */
const TICK_MS = 10;

/** One direction of a connection through a proxy: hands on what comes, in order, as the conditions allow. */
export class ProxyLane {
  readonly #from: Socket;
  readonly #to: Socket;
  readonly #conditions: Readonly<LaneConditions>;
  readonly #forward: (bytes: Buffer) => void;
  readonly #chunks: Chunk[] = [];
  #heldBytes = 0;
  #credit = 0;
  #creditedMs = 0;
  #timer: NodeJS.Timeout | undefined;
  #hasEnded = false;
  #hasSwallowed = false;

  /** @param forward writes to the receiver, and does whatever else goes with that */
  constructor(from: Socket, to: Socket, conditions: Readonly<LaneConditions>, forward: (bytes: Buffer) => void) {
    this.#from = from;
    this.#to = to;
    this.#conditions = conditions;
    this.#forward = forward;
    from.on('data', (bytes) => this.#take(bytes));
    from.on('end', () => {
      this.#hasEnded = true;
      this.pump();
    });
    to.on('drain', () => this.pump());
    if (conditions.isStalled) from.pause();
  }

  /** Bytes went into a black hole: what would follow makes no sense to the receiver any more. */
  get hasSwallowed(): boolean {
    return this.#hasSwallowed;
  }

  /** Hands on what may go now; sees to it that the rest follows. */
  pump(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#conditions.isStalled) {
      this.#from.pause();
      return;
    }
    for (let chunk = this.#chunks[0]; chunk; chunk = this.#chunks[0]) {
      if (this.#conditions.isBlackHole) {
        this.#swallow();
        break;
      }
      if (this.#to.writableNeedDrain) break;
      const waitMs = chunk.dueMs - performance.now();
      if (waitMs > 0) {
        this.#pumpAfter(waitMs);
        break;
      }
      const granted = this.#grant(chunk.bytes.length);
      if (granted === 0) {
        this.#pumpAfter(TICK_MS);
        break;
      }
      this.#heldBytes -= granted;
      if (granted === chunk.bytes.length) this.#chunks.shift();
      else this.#chunks[0] = { dueMs: chunk.dueMs, bytes: chunk.bytes.subarray(granted) };
      this.#forward(chunk.bytes.subarray(0, granted));
    }
    if (this.#heldBytes < HELD_BYTES) this.#from.resume();
    if (this.#hasEnded && this.#chunks.length === 0 && !this.#hasSwallowed) this.#to.end();
  }

  /** Hands on nothing more. */
  stop(): void {
    clearTimeout(this.#timer);
    this.#chunks.length = 0;
  }

  #take(bytes: Buffer): void {
    this.#chunks.push({ dueMs: performance.now() + this.#conditions.delayMs, bytes });
    this.#heldBytes += bytes.length;
    if (this.#heldBytes >= HELD_BYTES) this.#from.pause();
    if (this.#timer === undefined || this.#conditions.isBlackHole) this.pump();
  }

  #swallow(): void {
    this.#hasSwallowed = true;
    this.#chunks.length = 0;
    this.#heldBytes = 0;
  }

  #pumpAfter(ms: number): void {
    this.#timer = setTimeout(() => this.pump(), ms);
  }

  /** How many of the bytes may go at once. */
  #grant(wanted: number): number {
    const { bytesPerSecond } = this.#conditions;
    if (!Number.isFinite(bytesPerSecond)) return wanted;
    const nowMs = performance.now();
    const earned = ((nowMs - this.#creditedMs) / 1_000) * bytesPerSecond;
    // Who was silent for long may not make up for it in one go.
    this.#credit = Math.min(this.#credit + earned, (bytesPerSecond * 2 * TICK_MS) / 1_000);
    this.#creditedMs = nowMs;
    const granted = Math.min(wanted, Math.floor(this.#credit));
    this.#credit -= granted;
    return granted;
  }
}
