import { join } from 'node:path';
import { type ConfigurationProblem, describeError } from '@cstbox/mqtt-core';
import { readSecretFile } from './secret-file.js';
import type { Secrets } from './secrets.js';

/** Where values that do not stand in a configuration come from. */
export interface ReferenceSources {
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Takes the values that must not be shown. */
  readonly secrets: Secrets;
}

/** A configuration whose references are replaced, and those that could not be. */
export interface Resolved {
  /** A text with a reference that leads nowhere stays as it is written. */
  readonly content: unknown;
  readonly problems: readonly ConfigurationProblem[];
}

type Path = readonly (string | number)[];

/** `$${` is a plain `${`; `${source:name}` is a reference. `${room}` is neither: templates of topics may have it. */
const REFERENCE = /\$\$\{|\$\{([a-z]*):([^{}]*)(\}?)/gi;

const VARIABLE = /^[A-Za-z_][A-Za-z0-9_]*$/;
/** What systemd takes for the name of a credential, roughly: a file's name. */
const CREDENTIAL = /^(?!\.{1,2}$)[^/\0]+$/;
/** Variables that hold secrets are mostly called so. */
const SECRET_NAME = /PASS|SECRET|TOKEN|CREDENTIAL|KEY(?:S?$|_)/i;

/**
 * Replaces each `${env:NAME}` and `${credential:NAME}` in the texts of a configuration, at any depth; keys stay as they are. What comes
 * of a reference is not searched for further ones.
 */
export function resolveReferences(content: unknown, sources: ReferenceSources): Resolved {
  const problems: ConfigurationProblem[] = [];
  // What an alias of YAML has made one stays one.
  const known = new Map<object, unknown>();
  const visit = (value: unknown, path: Path): unknown => {
    if (typeof value === 'string') return resolveText(value, path);
    if (typeof value !== 'object' || value === null) return value;
    if (!known.has(value)) {
      const copy = Array.isArray(value)
        ? value.map((item, index) => visit(item, [...path, index]))
        : Object.fromEntries(Object.entries(value).map(([key, item]) => [key, visit(item, [...path, key])]));
      known.set(value, copy);
    }
    return known.get(value);
  };
  const resolveText = (text: string, path: Path): string => {
    const isPassword = path.join('.') === 'auth.password';
    try {
      const resolved = text.replace(REFERENCE, (_match, source?: string, name = '', end = '') =>
        source === undefined ? '${' : lookUp({ source, name, isClosed: end !== '', isPassword }, sources),
      );
      if (isPassword) sources.secrets.add(resolved);
      return resolved;
    } catch (error) {
      problems.push({ path, message: describeError(error) });
      return text;
    }
  };
  return { content: visit(content, []), problems };
}

interface Reference {
  readonly source: string;
  readonly name: string;
  readonly isClosed: boolean;
  /** It stands where a password is expected. */
  readonly isPassword: boolean;
}

/** @throws {Error} that says what is wrong, and quotes nothing of a text that may be a password */
function lookUp({ source, name, isClosed, isPassword }: Reference, sources: ReferenceSources): string {
  if (source !== 'env' && source !== 'credential') {
    throw new Error(
      "'${' begins a reference, ${env:NAME} or ${credential:NAME}: write '$${' for the characters themselves",
    );
  }
  if (!isClosed) throw new Error(`the '}' of a reference is missing: it is like \${${source}:NAME}`);
  const { environment, secrets } = sources;
  if (source === 'credential') {
    const value = readCredential(name, environment);
    secrets.add(value);
    return value;
  }
  if (!VARIABLE.test(name)) throw new Error('${env:NAME} takes the name of a variable: letters, digits and _');
  const value = environment[name];
  if (value === undefined) {
    throw new Error(
      `the environment has no ${name}: set it, for a service in Environment= or EnvironmentFile= of its unit`,
    );
  }
  if (isPassword || SECRET_NAME.test(name)) secrets.add(value);
  return value;
}

function readCredential(name: string, { CREDENTIALS_DIRECTORY: directory }: ReferenceSources['environment']): string {
  if (!CREDENTIAL.test(name)) throw new Error('${credential:NAME} takes the name of a credential: that of a file');
  const remedy = `let the service's unit say LoadCredential=${name}:PATH`;
  if (!directory) {
    throw new Error(
      `there is no credential ${name}, as there is no CREDENTIALS_DIRECTORY: ${remedy}, and start it by systemd`,
    );
  }
  return readSecretFile(join(directory, name), remedy);
}
