import type { Logger } from '@cstbox/mqtt-core';

/** A logger that keeps its lines, each with its level in front. */
export function keepingLogger(): Logger & { readonly lines: string[]; loud(): string[] } {
  const lines: string[] = [];
  const at = (level: string) => (line: string) => void lines.push(`${level} ${line}`);
  return {
    lines,
    /** The lines above debug. */
    loud: () => lines.filter((line) => !line.startsWith('debug')),
    debug: at('debug'),
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
  };
}
