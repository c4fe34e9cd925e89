import type { FilterModule } from '@cstbox/mqtt-core';
import { checkChannels } from './channels.js';
import { checkKeys } from './check-keys.js';
import type { InboundRule } from './inbound-rule.js';
import type { OutboundRule } from './outbound-rule.js';
import { Problems } from './problems.js';
import { show } from './quote.js';
import { REInboundFilter } from './re-inbound-filter.js';
import { REOutboundFilter } from './re-outbound-filter.js';

/**
 * The inbound filter for a section of a configuration: `{ rules: [[regex, [[varType, varName, channel?], …],
 * options?], …] }`, where a rule may also be an object; see `InboundRuleObject`.
 *
 * @throws {ConfigurationError} with every problem, and its path within the section
 */
export const createInboundFilter = ((options, { logger }): REInboundFilter => {
  const problems = new Problems();
  checkKeys(options, ['rules'], problems);
  const rules = checkList(options.rules, problems.at('rules')) as readonly InboundRule[];
  return problems.orThrow(problems.at('rules').attempt(() => new REInboundFilter(rules, logger)));
}) satisfies FilterModule['createInboundFilter'];

/**
 * The outbound filter for a section of a configuration: `{ rules: [[regex, topic], …], channels: [channel, …] }`, where
 * `channels` may be left out: sensor and control.
 *
 * @throws {ConfigurationError} with every problem, and its path within the section
 */
export const createOutboundFilter = ((options, { logger }): REOutboundFilter => {
  const problems = new Problems();
  checkKeys(options, ['rules', 'channels'], problems);
  const rules = checkList(options.rules, problems.at('rules')) as readonly OutboundRule[];
  const channels =
    options.channels === undefined ? undefined : checkChannels(options.channels, problems.at('channels'));
  const given = channels ? { channels } : {};
  return problems.orThrow(problems.at('rules').attempt(() => new REOutboundFilter(rules, logger, given)));
}) satisfies FilterModule['createOutboundFilter'];

function checkList(rules: unknown, problems: Problems): readonly unknown[] {
  if (Array.isArray(rules)) return rules;
  problems.add(rules === undefined ? 'rules are missing' : `invalid rules (${show(rules)}) : rules are a list`);
  return [];
}
