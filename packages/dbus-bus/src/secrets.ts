/** What stands in place of a secret. */
const REDACTED = '***';

/**
 * A shorter secret is not looked for: its letters stand everywhere by chance, and a text that is full of `***` tells more than it
 * hides. Four letters are no secret anyhow.
 */
const MIN_LENGTH = 4;

/**
 * What no log, error, status or recording of a process may show: passwords, tokens, whatever a configuration took from the
 * environment or from a credential.
 *
 * A secret is found as it is, and as JSON, a URL or a log writes it. Values shorter than 4 characters are not searched for,
 * and a part of a secret is not recognised.
 */
export class Secrets {
  readonly #forms = new Set<string>();
  #pattern: RegExp | undefined;

  /** From now on, this does not pass. */
  add(value: string): void {
    for (const form of formsOf(value)) if (form.length >= MIN_LENGTH) this.#forms.add(form);
    // The longest first: a secret may hold another one.
    const longestFirst = [...this.#forms].sort((a, b) => b.length - a.length);
    this.#pattern = longestFirst.length > 0 ? new RegExp(longestFirst.map(quote).join('|'), 'g') : undefined;
  }

  /** The text with `***` in the place of each secret. A method that may be handed on without its object. */
  readonly redact = (text: string): string => (this.#pattern ? text.replace(this.#pattern, REDACTED) : text);
}

/** How a text may look where it is shown. */
function formsOf(value: string): string[] {
  if (value.length < MIN_LENGTH) return [];
  const asJson = JSON.stringify(value).slice(1, -1);
  return [
    value,
    asJson,
    inAscii(asJson),
    JSON.stringify(asJson).slice(1, -1),
    encodeURIComponent(value.toWellFormed()),
  ];
}

/** JSON as Python and others write it by default. */
function inAscii(json: string): string {
  return json.replace(/[^\x20-\x7e]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

function quote(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&');
}
