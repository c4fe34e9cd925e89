import { type ConfigurationFile, configurationJsonSchema, type FilterSchemas, type JsonSchema } from '@cstbox/dbus-bus';
import type { FilterModule } from '@cstbox/mqtt-core';
import { sectionsOf } from './configuration-sections.js';
import { locate } from './load-filter.js';

/** The filters that come with the daemon. */
const OWN_FILTERS = ['@cstbox/mqtt-filters-re'];

/**
 * The JSON Schema of a configuration, with what is known of the filters that this one uses; without one, of those that come with the
 * daemon. Filters that are not there, or say nothing of their sections, may be told anything.
 */
export async function gatewaySchema(file?: ConfigurationFile): Promise<JsonSchema> {
  const uses = file ? usesOf(file) : OWN_FILTERS;
  const filters: FilterSchemas[] = [];
  for (const use of uses) {
    const url = locate(use, file);
    const schema = url && (await schemaOf(url));
    if (schema) filters.push({ use, ...parts(schema) });
  }
  return configurationJsonSchema(filters);
}

/** A module that can't be loaded says nothing either; `check` says why. */
async function schemaOf(url: string): Promise<FilterModule['configurationSchema']> {
  try {
    return ((await import(url)) as FilterModule).configurationSchema;
  } catch {
    return undefined;
  }
}

/** They may be getters, of which a spread takes none of a class. */
function parts({ inbound, outbound }: NonNullable<FilterModule['configurationSchema']>): Omit<FilterSchemas, 'use'> {
  return { ...(inbound && { inbound }), ...(outbound && { outbound }) };
}

function usesOf(file: ConfigurationFile): readonly string[] {
  const { inbound, outbound } = sectionsOf(file);
  return [...new Set([...inbound, ...outbound].map(({ section }) => section.use))];
}
