/** Where a command prints to: a stream that may be a terminal. */
export interface Output {
  readonly isTTY?: boolean | undefined;
  readonly columns?: number | undefined;
  write(text: string): unknown;
}

/** What fits every terminal. */
export const WIDTH = 80;

const CODES = { red: 31, green: 32, yellow: 33, cyan: 36, dim: 2, bold: 1 } as const;
export type Paint = Readonly<Record<keyof typeof CODES, (text: string) => string>>;

/** Colours for a terminal; for anything else, and where `NO_COLOR` is set (no-color.org), the text as it is. */
export function paintFor({ isTTY }: Output, environment: Readonly<Record<string, string | undefined>>): Paint {
  const isColoured = isTTY === true && !environment.NO_COLOR;
  const painted = Object.entries(CODES).map(([name, code]) => [
    name,
    (text: string) => (isColoured ? `\x1b[${code}m${text}\x1b[0m` : text),
  ]);
  return Object.fromEntries(painted) as Paint;
}

/**
 * Breaks a text at spaces into lines that fit. A word that is longer than a line stays whole, to be copied: a path, a topic.
 *
 * @param indent stands before every line but the first
 */
export function wrap(text: string, { indent = '', width = WIDTH }: { indent?: string; width?: number } = {}): string {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    const longer = line === '' ? word : `${line} ${word}`;
    if (longer.length <= width || line.trim() === '') line = longer;
    else {
      lines.push(line);
      line = indent + word;
    }
  }
  return [...lines, line].join('\n');
}

/** Control characters in what strangers sent must not reach a terminal: shows them as `\x1b` and the like. */
export function harmless(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\u2028\u2029]/gu, (character) => {
    const code = (character.codePointAt(0) as number).toString(16);
    return code.length <= 2 ? `\\x${code.padStart(2, '0')}` : `\\u{${code}}`;
  });
}

/**
 * A value as JSON that is harmless on a terminal, too: what JSON leaves as it is and a terminal may obey is escaped.
 *
 * @param redact takes out what nobody may read
 */
export function jsonLine(value: unknown, indent = 0, redact = (text: string) => text): string {
  // Escaped last: a secret is found as it is written.
  return redact(JSON.stringify(value, undefined, indent)).replace(/[\u007f-\u009f\p{Cf}\u2028\u2029]/gu, (character) =>
    // One beyond the first plane is two escapes.
    character.replace(/./gs, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`),
  );
}

/** Lines as they are, or, for a terminal, harmless and broken where it ends. */
export function fitted(text: string, { isTTY }: Output): string {
  if (!isTTY) return text;
  return text
    .split('\n')
    .map((line) => wrap(harmless(line), { indent: '  ' }))
    .join('\n');
}
