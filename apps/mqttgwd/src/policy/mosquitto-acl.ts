import { ConfigurationError } from '@cstbox/mqtt-core';
import { harmless, wrap } from '../terminal.js';
import type { Need } from './policy-needs.js';

/** What an access list is made of. */
export interface MosquittoAclOptions {
  /** Who the gateway is at the broker; `undefined`: nobody. */
  readonly user: string | undefined;
  readonly reads: readonly Need[];
  readonly writes: readonly Need[];
  /** Topic filters of answers to commands. */
  readonly replyTopics: readonly string[];
  /** Where `check --connect` sends its probe. */
  readonly probeTopic: string;
  /** The file that it is derived from. */
  readonly configuration: string;
}

/** So many rules are named at a line. */
const MAX_REASONS = 3;

/**
 * The access list that lets the gateway do its work at Mosquitto, and nothing else: lines for its `acl_file`.
 *
 * @throws {ConfigurationError} the file can't hold the name of the user
 */
export function mosquittoAcl(options: MosquittoAclOptions): string {
  const { user, reads, writes, replyTopics, probeTopic, configuration } = options;
  const lines = [
    comment(`What the gateway with the configuration ${configuration} may do at Mosquitto, and no more.`),
    comment(
      'In mosquitto.conf: acl_file PATH of this file; with per_listener_settings once for each listener. Mosquitto reads it at its start, and again at SIGHUP.',
    ),
    '',
    ...userLines(user),
    '',
    comment(reads.length > 0 ? 'Commands: what it subscribes to.' : 'It subscribes to nothing.'),
    ...reads.flatMap((need) => [...reasonsOf(need), topicLine('read', need.what)]),
    '',
    comment(writes.length > 0 ? 'Events: what it publishes on.' : 'It publishes no events.'),
    ...writes.flatMap((need) => [...reasonsOf(need), topicLine('write', need.what)]),
    '',
    comment(
      'Answers to commands go where the command says (the response topic of MQTT 5), which the configuration does not know. --reply-topic FILTER allows what your requesters use, as',
    ),
    ...(replyTopics.length > 0 ? [] : ['# topic write FILTER']),
    ...replyTopics.map((topic) => topicLine('write', topic)),
    '',
    comment('For mqttgwd check --connect:'),
    `# ${topicLine('readwrite', probeTopic)}`,
  ];
  return `${lines.join('\n')}\n`;
}

/** Topics that Mosquitto's file can't hold as they are: it takes wider ones in their place. */
export function inexpressible(topics: readonly string[]): readonly string[] {
  return topics.filter((topic) => expressible(topic) !== topic);
}

function userLines(user: string | undefined): string[] {
  if (user === undefined) {
    return [
      comment(
        'The configuration has no auth.username: these lines stand before any "user" line, and hold for every client without a user name. Better give the gateway one; where the broker takes it from the client certificate, --user NAME says it here.',
      ),
    ];
  }
  if (/[\p{Cc}]|^\s|\s$/u.test(user)) {
    throw new ConfigurationError(
      `Mosquitto's acl_file can't hold the user name '${harmless(user)}': it takes no control characters, and no spaces at the ends`,
    );
  }
  return [`user ${user}`];
}

function reasonsOf({ reasons, what }: Need): string[] {
  const more = reasons.length - MAX_REASONS;
  return [
    ...reasons.slice(0, MAX_REASONS).map((reason) => `# ${reason}`),
    ...(more > 0 ? [`# and ${more} more`] : []),
    ...(expressible(what) === what ? [] : [comment(`Wider than needed: the file can't hold ${harmless(what)}.`)]),
  ];
}

function topicLine(access: 'read' | 'write' | 'readwrite', topic: string): string {
  return `topic ${access} ${expressible(topic)}`;
}

/** The rest of a line is the topic, without spaces at its ends: a level that would suffer is taken as any. */
function expressible(topic: string): string {
  const levels = topic.split('/').map((level) => (/\p{Cc}/u.test(level) ? '+' : level));
  if (/^\s/.test(topic)) levels[0] = '+';
  if (/\s$/.test(topic)) levels[levels.length - 1] = '+';
  return levels.join('/');
}

function comment(text: string): string {
  return `# ${wrap(harmless(text), { indent: '# ', width: 78 })}`;
}
