import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MAX_TOPIC_BYTES, nameFault, topicFault, topicFilterFault } from './topic.js';

/** MQTT 3.1.1, section 1.5.3: what a receiver may close the connection over. */
function isControl(character: string): boolean {
  const code = character.codePointAt(0) as number;
  const isNonCharacter = (code >= 0xfdd0 && code <= 0xfdef) || (code & 0xfffe) === 0xfffe;
  return code <= 0x1f || (code >= 0x7f && code <= 0x9f) || isNonCharacter;
}

describe('a topic to publish on', () => {
  it.each(['a', '/', 'a//b', 'site/küche/temperature', '$SYS/x', ' ', 'x'.repeat(MAX_TOPIC_BYTES)])(
    'may be %j',
    (topic) => {
      expect(topicFault(topic)).toBeUndefined();
    },
  );

  it.each([
    ['', 'not empty'],
    ['a/+/b', "no '+', no '#' and no control character"],
    ['a/#', "no '+', no '#' and no control character"],
    ['a\0', "no '+', no '#' and no control character"],
    ['a\n', 'no control character'],
    ['a\u007f', 'no control character'],
    ['a\u{1ffff}', 'no control character'],
    ['x'.repeat(MAX_TOPIC_BYTES + 1), 'at most 65535 bytes'],
    ['ü'.repeat(MAX_TOPIC_BYTES / 2 + 1), 'at most 65535 bytes'],
    ['a\ud800', 'lone surrogate'],
  ])('may not be %j', (topic, why) => {
    expect(topicFault(topic)).toContain(why);
  });

  it('is legal exactly when MQTT can carry it', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (topic) => {
        const legal =
          topic !== '' && !/[+#]/.test(topic) && ![...topic].some(isControl) && Buffer.from(topic).toString() === topic;
        expect(topicFault(topic) === undefined).toBe(legal);
      }),
    );
  });
});

describe('a topic filter to subscribe to', () => {
  it.each(['#', '+', '/', 'a', 'a/#', '+/+', 'site/+/set/#', '$SYS/#'])('may be %j', (filter) => {
    expect(topicFilterFault(filter)).toBeUndefined();
  });

  it.each(['', 'a#', 'a/#/b', 'a+', '+a/b', '#/a', 'a\0', '\udc00'])('may not be %j', (filter) => {
    expect(topicFilterFault(filter)).toBeDefined();
  });
});

describe('a name on the bus', () => {
  it.each(['a', 'energy.react', 'a/b', '+', '#', ' ', '👩‍🚀'])('may be %j', (name) => {
    expect(nameFault(name)).toBeUndefined();
  });

  it.each(['', 'a\0b', '\ud800'])('may not be %j', (name) => {
    expect(nameFault(name)).toBeDefined();
  });
});
