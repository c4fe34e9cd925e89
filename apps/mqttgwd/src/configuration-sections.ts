import type { ConfigurationFile, FilterSection, TLSFiles } from '@cstbox/dbus-bus';
import type { FilterPlace } from './load-filter.js';

/** The sections that can be looked at on their own, of a file that may be wrong elsewhere. */
export interface Sections {
  readonly tls?: TLSFiles;
  readonly inbound: readonly FilterPlace<'inbound'>[];
  readonly outbound: readonly FilterPlace<'outbound'>[];
}

export function sectionsOf(file: ConfigurationFile): Sections {
  const { tls, filters } = Object(file.content) as { tls?: unknown; filters?: unknown };
  const { inbound, outbound } = Object(filters) as Record<string, unknown>;
  return {
    ...(isRecord(tls) && Object.values(tls).every((path) => typeof path === 'string') ? { tls } : {}),
    inbound: placesOf('inbound', inbound),
    outbound: placesOf('outbound', outbound),
  };
}

/** One section, or a list of them. */
function placesOf<D extends FilterPlace['direction']>(direction: D, content: unknown): FilterPlace<D>[] {
  const path = ['filters', direction];
  if (!Array.isArray(content)) return isFilterSection(content) ? [{ direction, section: content, path }] : [];
  return content.flatMap((section, index) =>
    isFilterSection(section) ? [{ direction, section, path: [...path, index] }] : [],
  );
}

function isFilterSection(section: unknown): section is FilterSection {
  return isRecord(section) && typeof section.use === 'string' && section.use !== '';
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
