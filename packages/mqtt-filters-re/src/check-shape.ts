import * as z from 'zod';
import { checkKeys } from './check-keys.js';
import type { Problems } from './problems.js';
import { show } from './quote.js';

/** An object with these keys and no others. Its complaint about others lists those that are known. */
export function section<S extends z.ZodRawShape>(shape: S, expected: string): z.ZodObject<S, z.core.$strict> {
  const known = Object.keys(shape).join(', ');
  return z.strictObject(shape, { error: ({ code }) => (code === 'unrecognized_keys' ? known : expected) });
}

/**
 * Checks what came from a stranger against the keys of a section, each on its own: what is right is given back, so that the
 * rest of the check can go on; what is wrong goes to the problems, and the key is left out.
 */
export function checkShape<S extends z.ZodRawShape>(
  shape: S,
  given: Readonly<Record<string, unknown>>,
  problems: Problems,
): Partial<z.output<z.ZodObject<S>>> {
  checkKeys(given, Object.keys(shape), problems);
  const sound: Record<string, unknown> = {};
  for (const [key, schema] of Object.entries(shape)) {
    const value = given[key];
    if (value === undefined) {
      if (schema._zod.optin !== 'optional') problems.add(`invalid rule (${show(given)}) : ${key} is missing`);
      continue;
    }
    const result = z.safeParse(schema, value, { reportInput: true });
    if (result.success) sound[key] = result.data;
    else for (const issue of result.error.issues) report(issue, problems.at(key));
  }
  return sound as Partial<z.output<z.ZodObject<S>>>;
}

function report(issue: z.core.$ZodIssue, problems: Problems): void {
  const place = problems.at(...(issue.path as (string | number)[]));
  if (issue.code === 'unrecognized_keys') {
    const unknown = Object.fromEntries(issue.keys.map((key) => [key, undefined]));
    return checkKeys(unknown, issue.message.split(', '), place);
  }
  // Of the alternatives, the one that was meant says more than all together: that of the same type.
  const meant = issue.code === 'invalid_union' ? issue.errors.filter((inner) => !inner.some(isOtherType)) : [];
  const [alternative] = meant;
  if (meant.length === 1 && alternative) {
    for (const inner of alternative) report(inner, place);
    return;
  }
  if (issue.input === undefined) return place.add(`missing option : ${issue.message}`);
  place.add(`invalid option (${show(issue.input)}) : ${issue.message}`);
}

function isOtherType({ code, path }: z.core.$ZodIssue): boolean {
  return path.length === 0 && (code === 'invalid_type' || code === 'invalid_value');
}
