import type { Problems } from './problems.js';
import { show } from './quote.js';

/** A channel is an element of an object path on D-Bus (D-Bus specification, "Valid Object Paths"). */
const CHANNEL = /^[A-Za-z0-9_]+$/;

/** Why a value can't be a channel's name, or `undefined` when it can. */
export function channelFault(channel: unknown): string | undefined {
  if (typeof channel === 'string' && CHANNEL.test(channel)) return undefined;
  return `a channel is a name of letters, digits and '_', as in 'control', not ${show(channel)}`;
}

/** The channels to listen to, as they were given by a stranger; each of them once. */
export function checkChannels(channels: unknown, problems: Problems): readonly string[] | undefined {
  if (!Array.isArray(channels) || channels.length === 0) {
    return problems.add(`invalid channels (${show(channels)}) : channels are a list of at least one name`);
  }
  const stripped = channels.map((channel: unknown) => (typeof channel === 'string' ? channel.trim() : channel));
  const faults = stripped.map(channelFault);
  for (const [index, fault] of faults.entries()) {
    if (fault) problems.at(index).add(fault);
  }
  return faults.some(Boolean) ? undefined : ([...new Set(stripped)] as string[]);
}
