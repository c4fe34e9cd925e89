import { ConfigurationError } from '@cstbox/mqtt-core';
import { translate } from './regex-translator.js';

/** The named groups of a match; `undefined` for a group that took no part in it. */
export type Groups = Readonly<Record<string, string | undefined>>;

/** A regular expression of a rule, ready for use. */
export interface CompiledRegex {
  /** As it stands in the rule. */
  readonly source: string;
  /** The names of its groups. */
  readonly groups: ReadonlySet<string>;
  /** The groups of the match at the start of the text, which need not reach its end; `null`: no match. */
  match(text: string): Groups | null;
}

const NO_GROUPS: Groups = Object.freeze(Object.create(null));

/**
 * Compiles a pattern as Python's `re` understands it. JavaScript's way to write named groups works, too.
 *
 * @throws {ConfigurationError} `invalid regex (<source>) : <why>`
 */
export function compileRegex(source: string): CompiledRegex {
  const { regex, groups } = build(source);
  return {
    source,
    groups,
    match(text) {
      // With the flag y and from 0 on, `exec` is Python's `re.match`.
      regex.lastIndex = 0;
      const match = regex.exec(text);
      return match && (match.groups ?? NO_GROUPS);
    },
  };
}

function build(source: string): { regex: RegExp; groups: ReadonlySet<string> } {
  try {
    const { pattern, flags, groups } = translate(source);
    return { regex: new RegExp(pattern, `vy${flags}`), groups };
  } catch (error) {
    throw new ConfigurationError(`invalid regex (${source}) : ${why(error)}`, { cause: error });
  }
}

/** The reason alone: the engine's message cites the translated pattern, which nobody wrote. */
function why(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  return message.replace(/^Invalid regular expression: .*: /s, '');
}
