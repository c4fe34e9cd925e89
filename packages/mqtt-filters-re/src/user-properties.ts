import { nameFault, type Refusal } from '@cstbox/mqtt-core';
import { compileTemplate } from './compile-rules.js';
import type { Problems } from './problems.js';
import type { CompiledRegex, Groups } from './python-regex.js';
import { quote } from './quote.js';
import type { Template, Unfilled } from './template.js';

type Properties = Readonly<Record<string, string>>;

/** The longest text beside a payload, in bytes (MQTT 5, section 1.5.4). */
const MAX_BYTES = 65_535;

/** What a rule sends beside its payloads. */
export interface UserProperties {
  /** Those that are the same for all variables; `undefined`: they differ, or there are none. */
  readonly fixed: Properties | undefined;
  bind(groups: Groups): { readonly result: Properties } | { readonly refusal: Refusal } | Unfilled;
}

/** Compiles the user properties of a rule; what is wrong with them goes to the problems. */
export function compileUserProperties(
  given: Properties,
  regex: CompiledRegex | undefined,
  problems: Problems,
): UserProperties {
  const templates = Object.entries(given).flatMap(([name, text]): [string, Template][] => {
    const place = problems.at(name);
    const invalid = `invalid user property (${text})`;
    const fault = nameFault(name) ?? propertyFault(name);
    if (fault) place.add(`invalid user property (${name}) : ${fault}`);
    const template = compileTemplate(text, regex, propertyFault, invalid, place);
    return template ? [[name, template]] : [];
  });
  const bind: UserProperties['bind'] = (groups) => {
    const properties: Record<string, string> = Object.create(null);
    for (const [name, template] of templates) {
      const text = template.expand(groups);
      if (typeof text !== 'string') return text;
      const fault = propertyFault(text);
      if (fault) return { refusal: { reason: 'illegal_property', detail: `${name}: ${fault}: ${quote(text)}` } };
      properties[name] = text;
    }
    return { result: properties };
  };
  if (templates.some(([, { parameters }]) => parameters.size > 0)) return { fixed: undefined, bind };
  const verdict = bind({});
  return { fixed: templates.length > 0 && 'result' in verdict ? verdict.result : undefined, bind: () => verdict };
}

/** Why a text can't be sent beside a payload: MQTT has no place for it, or a broker may cut the connection over it. */
function propertyFault(text: string): string | undefined {
  if (/[\p{Cc}\p{Noncharacter_Code_Point}]/u.test(text)) return 'a user property holds no control character';
  if (!text.isWellFormed()) return 'a user property holds no lone surrogate';
  return Buffer.byteLength(text) > MAX_BYTES ? `a user property has at most ${MAX_BYTES} bytes` : undefined;
}
