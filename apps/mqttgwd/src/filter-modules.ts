import { statSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { ConfigurationFile } from '@cstbox/dbus-bus';
import type { RuleSection } from '@cstbox/mqtt-core';
import { type FilterPlace, locate } from './load-filter.js';

/** A module that makes filters of a configuration, and what it makes them of. */
export interface UsedModule {
  /** What stands in `use`. */
  readonly use: string;
  /** Where it was found. */
  readonly url: string;
  /** When its file was last written, in ms since the Epoch: a running process keeps what it has loaded before. */
  readonly mtimeMs: number;
  readonly outbound: readonly RuleSection[];
  readonly inbound: readonly RuleSection[];
}

/** The modules that sections name and that are there, each once, with all of its sections. */
export function modulesOf(places: readonly FilterPlace[], file: ConfigurationFile): readonly UsedModule[] {
  const modules = new Map<string, UsedModule & { outbound: RuleSection[]; inbound: RuleSection[] }>();
  for (const { direction, section, path } of places) {
    const { use, ...options } = section;
    const url = locate(use, file);
    if (!url) continue;
    const module = modules.get(url) ?? { use, url, mtimeMs: mtimeOf(url), outbound: [], inbound: [] };
    modules.set(url, module);
    module[direction].push({ path, options });
  }
  return [...modules.values()];
}

function mtimeOf(url: string): number {
  return statSync(fileURLToPath(url)).mtimeMs;
}
