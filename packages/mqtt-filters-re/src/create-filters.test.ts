import { ConfigurationError, type FilterModule, OutboundFilter, silentLogger, topicFault } from '@cstbox/mqtt-core';
import { describe, expect, it } from 'vitest';
import * as module from './index.js';

const context = { logger: silentLogger };
const { createInboundFilter, createOutboundFilter, REInboundFilter, REOutboundFilter } = module satisfies FilterModule;

const problemsOf = (create: () => unknown) => {
  try {
    create();
  } catch (error) {
    if (error instanceof ConfigurationError) return error.problems.map(({ message, path }) => [path, message]);
    throw error;
  }
  return [];
};

describe('the filter module', () => {
  it('builds the filters from sections of a configuration', () => {
    const inbound = createInboundFilter({ rules: [['a', [['t', 'n']]]] }, context);
    expect(inbound).toBeInstanceOf(REInboundFilter);
    const outbound = createOutboundFilter({ rules: [['t:n', 'a']], channels: ['sysmon'] }, context);
    expect(outbound).toBeInstanceOf(REOutboundFilter);
    expect(outbound.getMqttTopic(0, 't', 'n', {})).toBe('a');
    expect(outbound.channels).toEqual(['sysmon']);
    expect(createOutboundFilter({ rules: [] }, context).channels).toEqual(new OutboundFilter().channels);
  });

  it('hands the logger on', () => {
    const lines: string[] = [];
    const logger = { ...silentLogger, warn: (line: string) => void lines.push(line) };
    const filter = createOutboundFilter({ rules: [['t:(?P<n>x)?', 'a/{n}']] }, { logger });
    filter.getMqttTopic(0, 't', '', {});
    expect(lines).toHaveLength(1);
  });

  it('reports everything that is wrong, with its place in the section', () => {
    expect(
      problemsOf(() =>
        createOutboundFilter({ rule: [], chanels: [], rules: [['(', '#']], channels: ['a b'] }, context),
      ),
    ).toEqual([
      [['rule'], "unknown key 'rule': did you mean 'rules'?"],
      [['chanels'], "unknown key 'chanels': did you mean 'channels'?"],
      [['channels', 0], "a channel is a name of letters, digits and '_', as in 'control', not \"a b\""],
      [['rules', 0, 0], 'invalid regex (() : missing ), unterminated group'],
      [['rules', 0, 1], `invalid topic (#) : ${topicFault('#')}`],
    ]);
    expect(problemsOf(() => createInboundFilter({ channels: ['control'], rules: [['a', [['t']]]] }, context))).toEqual([
      [['channels'], "unknown key 'channels': did you mean 'rules'?"],
      [['rules', 0, 1, 0], 'invalid event specification (["t"]) : it is [varType, varName, channel?]'],
    ]);
  });

  it.each([
    [undefined, 'rules are missing'],
    ['ab', 'invalid rules ("ab") : rules are a list'],
    [{ a: 'b' }, 'invalid rules ({"a":"b"}) : rules are a list'],
  ])('refuses %j for rules', (rules, why) => {
    const options = rules === undefined ? {} : { rules };
    expect(problemsOf(() => createInboundFilter(options, context))).toEqual([[['rules'], why]]);
    expect(problemsOf(() => createOutboundFilter(options, context))).toEqual([[['rules'], why]]);
  });

  it.each([['sensor'], [[]], [{}], [null]])('refuses %j for channels', (channels) => {
    expect(problemsOf(() => createOutboundFilter({ rules: [], channels }, context))).toEqual([
      [['channels'], expect.stringMatching(/^invalid channels/)],
    ]);
  });
});
