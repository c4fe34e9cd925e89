import { resolve } from 'node:path';
import { ExitCode } from './exit-codes.js';
import type { LocatedFinding } from './located-finding.js';
import { harmless, jsonLine, type Paint, wrap } from './terminal.js';

const COLOURS = { error: 'red', warning: 'yellow', info: 'cyan' } as const;
const SEVERITIES = ['error', 'warning', 'info'] as const;

export interface ReportOptions {
  /** The file that was looked at, as it was given. */
  readonly configuration: string;
  readonly paint: Paint;
}

/** Findings for a person, each with its place at the head of a line, where editors find it; and a line that counts them. */
export function checkReport(findings: readonly LocatedFinding[], { configuration, paint }: ReportOptions): string {
  // Editors, and people, find it where they have named it.
  const file = resolve(configuration);
  const lines = findings.map((each) =>
    findingLine(each.file === file ? { ...each, file: configuration } : each, paint),
  );
  return [...lines, `${harmless(configuration)}: ${summary(findings)}`].map((line) => `${line}\n`).join('');
}

/**
 * Findings for a program: `{ findings: [{ severity, code, message, file, line, column, path }], errors, warnings }`, and with
 * `--connect` `connections: [{ step, broker, outcome, durationMs, message, path, details, … }]`. Later versions may add keys and codes.
 */
export function jsonReport(findings: readonly LocatedFinding[], connections?: readonly object[]): string {
  const list = findings.map(({ severity, code, message, file, line, column, path }) => {
    return { severity, code, message, file, line, column, path };
  });
  const counts = { errors: count(findings, 'error'), warnings: count(findings, 'warning') };
  return `${jsonLine({ findings: list, ...counts, connections }, 2)}\n`;
}

/** What `mqttgwd check` ends with. */
export function exitCodeOf(findings: readonly LocatedFinding[], { strict = false }: { strict?: boolean }): number {
  if (count(findings, 'error') > 0) return ExitCode.CONFIG;
  return strict && count(findings, 'warning') > 0 ? ExitCode.FINDINGS : ExitCode.OK;
}

/** `gateway.yaml:3:5: warning: …`, the rest of the message indented below. */
function findingLine({ severity, message, file, line, column, path }: LocatedFinding, paint: Paint): string {
  const place = [file, line, column].filter((part) => part !== undefined).join(':');
  const at = path.map((key) => (typeof key === 'number' ? `[${key}]` : `.${key}`)).join('');
  const text = harmless(`${message}${at && ` (at ${at.replace(/^\./, '')})`}`);
  // Place and severity stay together, whatever the path is.
  const head = `${place && `${harmless(place)}: `}${severity}:`;
  const wrapped = wrap(`${head.replaceAll(' ', '\0')} ${text}`, { indent: '    ' }).replaceAll('\0', ' ');
  const painted = `${place && `${paint.bold(harmless(place))}: `}${paint[COLOURS[severity]](`${severity}:`)}`;
  return painted + wrapped.slice(head.length);
}

function summary(findings: readonly LocatedFinding[]): string {
  const counts = SEVERITIES.map((severity) => [count(findings, severity), severity] as const);
  const words = { error: 'error', warning: 'warning', info: 'note' };
  const said = counts
    .filter(([number]) => number > 0)
    .map(([number, severity]) => `${number} ${words[severity]}${number === 1 ? '' : 's'}`);
  return said.length > 0 ? said.join(', ') : 'nothing to say against it';
}

function count(findings: readonly LocatedFinding[], severity: LocatedFinding['severity']): number {
  return findings.filter((each) => each.severity === severity).length;
}
