import type { Finding } from '@cstbox/mqtt-core';
import { type AnalysisOptions, analyseRules } from './analyse-rules.js';

/** What a test analyses; each list is one section. */
export interface Given {
  outbound?: readonly unknown[];
  inbound?: readonly unknown[];
  channels?: readonly string[];
  listenedTopics?: readonly string[];
}

/** The findings about one section in each direction. A busy machine is no reason to leave something out. */
export function analyse(
  { outbound = [], inbound = [], channels, listenedTopics }: Given,
  options: AnalysisOptions = { budgetMs: 60_000 },
): Promise<readonly Finding[]> {
  return analyseRules(
    {
      outbound: [{ path: ['filters', 'outbound'], options: { rules: outbound, ...(channels && { channels }) } }],
      inbound: [{ path: ['filters', 'inbound'], options: { rules: inbound } }],
      listenedTopics,
      qos: 1,
    },
    options,
  );
}

/** Findings in short: code, place within the section, example. */
export function inShort(findings: readonly Finding[]) {
  return findings.map(({ code, path, example }) => [code, path.join('.').replace(/^filters\./, ''), example]);
}
