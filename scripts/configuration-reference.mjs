import { readFileSync, writeFileSync } from 'node:fs';

// Writes docs/configuration.md from the JSON Schema that the daemon ships: `pnpm docs:configuration`.
export const SCHEMA = 'apps/mqttgwd/dist/configuration.schema.json';
export const DOCUMENT = 'docs/configuration.md';

const INTRODUCTION = `# Configuration reference

<!-- Made by \`pnpm docs:configuration\` from the schema in the code: change a description there. -->

One file, JSON or YAML. Relative paths in it are relative to the file. An unknown key is an error; \`mqttgwd check\` says everything that is wrong
or doubtful in a file, with its place. Durations are seconds, fractions too, unless an integer is asked for.

- **Editors** complete and check the file by its schema, which \`mqttgwd schema\` prints and the package ships as
  \`configuration.schema.json\`: name it in the key \`$schema\`, or in a first line \`# yaml-language-server: $schema=PATH\`.
- **Texts from elsewhere**: in any text, keys apart, \`\${env:NAME}\` stands for a variable of the environment and \`\${credential:NAME}\` for a
  [credential of systemd](https://systemd.io/CREDENTIALS/) (\`LoadCredential=NAME:PATH\` in the unit). One that is not there is an error. What comes of
  it is a text: a number can't be written so. \`$\${\` is a plain \`\${\`; \`\${room}\`, without a colon, is none of this.
- **Secrets** are \`auth.password\`, what \`auth.password_file\` holds, every credential, and each variable whose name has PASS, SECRET, TOKEN, CREDENTIAL or
  KEY in it. No log, error or status shows them: \`***\` stands in their place. One of less than four characters is not looked for. A password in a
  file that everybody may read, and a key, is worth a warning.
- What leaves and comes in beyond that is up to the filters: the last sections are those of
  [\`@cstbox/mqtt-filters-re\`](../packages/mqtt-filters-re/README.md), which explains rules at length.
`;

/** The reference, in Markdown, of a configuration's JSON Schema. */
export function configurationReference(schema) {
  const { properties, required, $defs } = schema;
  /** What a JSON Pointer in `$ref` leads to. */
  const resolve = ({ $ref }) =>
    $ref
      .split('/')
      .slice(1)
      .reduce((node, key) => node[key], schema);
  const isSection = (node) => node.properties !== undefined;
  const top = Object.entries(properties);
  const parts = [
    INTRODUCTION,
    '## The whole\n',
    table(
      top.map(([key, node]) =>
        row(key, node, required.includes(key), isSection(node) ? `[section](#${key})` : undefined),
      ),
    ),
  ];
  for (const [key, node] of top.filter(([, each]) => isSection(each))) {
    parts.push(`## \`${key}\`\n`, `${node.description}\n`);
    if (key !== 'filters') parts.push(table(rowsOf(node, `${key}.`)));
    else {
      const directions = Object.entries(node.properties).map(([name, inner]) => row(`${key}.${name}`, inner, false));
      parts.push(table([...directions, ...rowsOf($defs.outboundFilter, 'filters.….')]));
    }
  }
  for (const [direction, words] of [
    ['outbound', 'events that go out'],
    ['inbound', 'messages that come in'],
  ]) {
    for (const { if: condition, then } of $defs[`${direction}Filter`].allOf ?? []) {
      const use = condition.properties.use.const;
      parts.push(
        `## \`filters.${direction}\` of \`${use}\`\n`,
        `For ${words}.\n`,
        table(rowsOf(resolve(then), '', 'use')),
      );
    }
  }
  return parts.join('\n');

  /** A row for each key, and for those within. */
  function rowsOf(node, prefix, without, under = []) {
    return Object.entries(node.properties)
      .filter(([key]) => key !== without)
      .flatMap(([key, inner]) => {
        const path = `${prefix}${key}`;
        const own = row(path, inner, node.required?.includes(key));
        const within = objectsIn(inner, under).flatMap(({ object, suffix, seen }) =>
          rowsOf(object, `${path}${suffix}.`, undefined, seen),
        );
        // One key of several alternatives is explained once.
        const once = within.filter(([name], index) => within.findIndex(([other]) => other === name) === index);
        return [own, ...once];
      });
  }

  /** The objects that a value may be, or hold in a list. */
  function objectsIn(node, seen, suffix = '') {
    if (node.$ref) {
      return seen.includes(node.$ref) ? [] : objectsIn(resolve(node), [...seen, node.$ref], suffix);
    }
    if (node.anyOf) return node.anyOf.flatMap((each) => objectsIn(each, seen, suffix));
    if (node.type === 'array' && node.items) return objectsIn(node.items, seen, `${suffix}[]`);
    return node.properties ? [{ object: node, suffix, seen }] : [];
  }

  function row(key, node, isRequired, type = typeOf(node)) {
    const { meaning, otherwise } = parsed(node.description ?? '');
    return [`\`${key}\``, type, isRequired ? 'required' : otherwise, meaning];
  }

  function typeOf(node) {
    if (node.$ref === '#/$defs/reference') return undefined;
    if (node.$ref) return typeOf(resolve(node));
    if (node.anyOf) return [...new Set(node.anyOf.map(typeOf))].filter(Boolean).join(' or ');
    const words = node.enum ?? (node.const === undefined ? undefined : [node.const]);
    if (words) return [...new Set(words.map((word) => `\`${word}\``))].join(', ');
    if (node.type === 'array') return node.prefixItems ? 'tuple' : listOf(node.items && typeOf(node.items));
    return TYPES[node.type]?.(node) ?? 'anything';
  }
}

const TYPES = {
  string: () => 'text',
  boolean: () => '`true` or `false`',
  integer: ({ minimum, maximum }) => `integer${range(minimum, maximum)}`,
  number: ({ minimum, exclusiveMinimum: above, maximum }) => {
    if (above === undefined) return `number${range(minimum, maximum)}`;
    return `number above ${above}${maximum === undefined ? '' : `, up to ${grouped(maximum)}`}`;
  },
  object: () => 'section',
  null: () => '`null`',
};

function listOf(type) {
  return ['text', 'section'].includes(type) ? `list of ${type}s` : 'list';
}

function range(minimum, maximum) {
  if (minimum === undefined) return '';
  if (maximum === undefined || maximum === Number.MAX_SAFE_INTEGER) return ` from ${minimum} on`;
  return ` from ${minimum} to ${grouped(maximum)}`;
}

function grouped(number) {
  return number.toLocaleString('en');
}

/** `Seconds that … Default: 20. More.` in its parts. */
function parsed(description) {
  const match = /(?:^| )Default: (.*?)(?:\.(?= |$)|$)/.exec(description);
  if (!match) return { meaning: description, otherwise: '' };
  return { meaning: description.replace(match[0], '').trim(), otherwise: match[1] };
}

/** A table as the formatter of this repository has it. */
function table(rows) {
  const lines = [
    ['Key', 'Takes', 'Default', 'Meaning'],
    ...rows.map((row) => row.map((cell) => String(cell).replaceAll('|', '\\|').replaceAll('<', '&lt;'))),
  ];
  const widths = lines[0].map((_, column) => Math.max(...lines.map((line) => line[column].length)));
  const padded = lines.map((line) => line.map((cell, column) => cell.padEnd(widths[column])));
  const ruler = widths.map((width) => '-'.repeat(width));
  return [padded[0], ruler, ...padded.slice(1)].map((line) => `| ${line.join(' | ')} |\n`).join('');
}

if (import.meta.filename === process.argv[1]) {
  writeFileSync(DOCUMENT, configurationReference(JSON.parse(readFileSync(SCHEMA, 'utf8'))));
}
