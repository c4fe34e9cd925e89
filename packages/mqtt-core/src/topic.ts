/** The longest topic that MQTT can carry, in bytes of UTF-8 (MQTT 3.1.1, section 1.5.3). */
export const MAX_TOPIC_BYTES = 65_535;

/** No broker takes wildcards; a broker may cut the connection over control characters, and Mosquitto does. */
const WILDCARD_OR_CONTROL = /[+#\p{Cc}\p{Noncharacter_Code_Point}]/u;

/**
 * Why a string can't be published on, or `undefined` when it can (MQTT 3.1.1, section 4.7: at least one character,
 * no wildcard, at most 65,535 bytes; section 1.5.3: no NUL, no other control character or non-character, no lone
 * surrogate).
 */
export function topicFault(topic: string): string | undefined {
  if (topic === '') return 'a topic is not empty';
  if (WILDCARD_OR_CONTROL.test(topic)) return "a topic holds no '+', no '#' and no control character";
  return textFault(topic);
}

/**
 * Why a string can't be subscribed to, or `undefined` when it can (MQTT 3.1.1, section 4.7.1: `+` fills a whole
 * level, `#` fills the last one).
 */
export function topicFilterFault(filter: string): string | undefined {
  if (filter === '') return 'a topic filter is not empty';
  if (filter.includes('\0')) return 'a topic filter holds no NUL';
  const levels = filter.split('/');
  for (const [index, level] of levels.entries()) {
    if (level.includes('#') && (level !== '#' || index !== levels.length - 1)) {
      return "'#' stands alone in the last level, as in 'site/#'";
    }
    if (level.includes('+') && level !== '+') return "'+' stands alone in its level, as in 'site/+/set'";
  }
  return textFault(filter);
}

/**
 * Whether a subscription to the filter brings messages on the topic (MQTT 3.1.1, section 4.7; a shared subscription,
 * `$share/group/filter`, as the filter in it: MQTT 5, section 4.8.2).
 */
export function matchesTopicFilter(filter: string, topic: string): boolean {
  const wanted = filter.replace(/^\$share\/[^/]*\//, '').split('/');
  const levels = topic.split('/');
  // A wildcard at the head does not stand for the broker's own topics.
  if (topic.startsWith('$') && wanted[0] !== levels[0]) return false;
  for (const [index, level] of wanted.entries()) {
    if (level === '#') return true;
    if (index >= levels.length || (level !== '+' && level !== levels[index])) return false;
  }
  return wanted.length === levels.length;
}

/** Why a string can't be the type or the name of a variable on the bus, or `undefined` when it can. */
export function nameFault(name: string): string | undefined {
  if (name === '') return 'a name is not empty';
  if (name.includes('\0')) return 'a name holds no NUL';
  return name.isWellFormed() ? undefined : 'a name holds no lone surrogate';
}

function textFault(text: string): string | undefined {
  // A UTF-16 unit takes three bytes at most: most strings need no counting.
  if (text.length * 3 > MAX_TOPIC_BYTES && Buffer.byteLength(text) > MAX_TOPIC_BYTES) {
    return `a topic has at most ${MAX_TOPIC_BYTES} bytes`;
  }
  return text.isWellFormed() ? undefined : 'a topic holds no lone surrogate';
}
