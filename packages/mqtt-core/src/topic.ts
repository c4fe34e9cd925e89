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
