/**
 * A topic filter as a pattern for the topics whose messages it brings (MQTT 3.1.1, section 4.7): `#` takes its parent,
 * too, and no wildcard at the head takes the broker's own topics. A shared subscription is the filter in it.
 */
export function topicFilterPattern(filter: string): string {
  const levels = filter.replace(/^\$share\/[^/]*\//, '').split('/');
  const head = levels[0] === '+' || levels[0] === '#' ? '(?!\\$)' : '';
  const pattern = levels.map((level, index) => {
    if (level === '#') return index === 0 ? '[^]*' : '(?:\\/[^]*)?';
    return `${index === 0 ? '' : '\\/'}${level === '+' ? '[^\\/]*' : literal(level)}`;
  });
  return `${head}${pattern.join('')}`;
}

function literal(text: string): string {
  return Array.from(text, (character) => `\\u{${(character.codePointAt(0) as number).toString(16)}}`).join('');
}
