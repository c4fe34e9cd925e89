/** Reads a text from left to right by sticky regular expressions, so that a token is never cut out of another one. */
export class Scanner {
  readonly #text: string;
  #position = 0;

  constructor(text: string) {
    this.#text = text;
  }

  get done(): boolean {
    return this.#position >= this.#text.length;
  }

  /** Takes what the token matches here; `null`, and nothing taken, when it does not. The token needs the flag `y`. */
  take(token: RegExp): RegExpExecArray | null {
    token.lastIndex = this.#position;
    const match = token.exec(this.#text);
    if (match) this.#position = token.lastIndex;
    return match;
  }

  /** Takes one character, as a whole code point; the empty string at the end. */
  next(): string {
    return this.take(ANY)?.[0] ?? '';
  }
}

const ANY = /./suy;
