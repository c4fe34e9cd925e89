import type { Output } from './terminal.js';

const ENTER = '\x1b[?1049h\x1b[?25l';
const LEAVE = '\x1b[?25h\x1b[?1049l';

/** A terminal, as far as a live screen needs it. */
export interface Screen extends Output {
  readonly rows?: number | undefined;
}

/**
 * Shows something that changes, in place: on a terminal's alternate screen, of which nothing is left at the end. Where there is
 * no terminal, each state is a block of lines.
 */
export class LiveScreen implements Disposable {
  readonly #output: Screen;
  #isEntered = false;

  constructor(output: Screen) {
    this.#output = output;
  }

  /** How many lines fit; `undefined` where there is no end. */
  get room(): number | undefined {
    // One that does not know its height says 0. The last row is the cursor's.
    return this.#output.isTTY ? (this.#output.rows || 24) - 1 : undefined;
  }

  /** Shows these lines in the place of those before; what does not fit the terminal's height is left out. */
  show(lines: readonly string[]): void {
    if (!this.#output.isTTY) {
      this.#output.write(`${lines.join('\n')}\n\n`);
      return;
    }
    const { room = lines.length } = this;
    const fitting = lines.length <= room ? lines : [...lines.slice(0, room - 1), '…'];
    // Written over, not cleared first: it does not flicker.
    const body = fitting.map((line) => `${line}\x1b[K\n`).join('');
    this.#output.write(`${this.#isEntered ? '' : ENTER}\x1b[H${body}\x1b[J`);
    this.#isEntered = true;
  }

  /** Gives the terminal back as it was. */
  [Symbol.dispose](): void {
    if (this.#isEntered) this.#output.write(LEAVE);
    this.#isEntered = false;
  }
}
