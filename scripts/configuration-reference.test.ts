import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { configurationReference, DOCUMENT, SCHEMA } from './configuration-reference.mjs';

describe('docs/configuration.md', () => {
  it('says what the schema says: pnpm docs:configuration brings it up to date', () => {
    const schema = JSON.parse(readFileSync(SCHEMA, 'utf8'));
    expect(readFileSync(DOCUMENT, 'utf8')).toBe(configurationReference(schema));
  });
});
