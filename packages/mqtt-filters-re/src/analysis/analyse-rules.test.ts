import { setImmediate as nextTurn } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { analyseRules } from './analyse-rules.js';
import { analyse, inShort } from './analysis.fixtures.js';

const LIGHT_OUT = ['switch:(?P<room>\\w+)_light$', 'site/{room}/light'] as const;
const LIGHT_IN = ['site/(?P<room>\\w+)/light$', [['switch', '{room}_light']]] as const;
const outbound = (...rules: unknown[]) => analyse({ outbound: rules });
const codesOf = async (findings: ReturnType<typeof analyse>) => (await findings).map(({ code }) => code);

describe('a rule that never applies', () => {
  it('is one whose texts an earlier one takes', async () => {
    const findings = await outbound(['temperature:', 'a'], ['temperature:(?P<room>\\w+)$', '{room}']);
    expect(findings).toEqual([
      {
        severity: 'warning',
        code: 'shadowed',
        rule: 'temperature:(?P<room>\\w+)$',
        path: ['filters', 'outbound', 'rules', 1],
        message:
          'this rule never applies: an earlier rule takes everything that it matches (temperature:); move it before that, or remove it',
        example: 'temperature:a',
      },
    ]);
  });

  it('is one whose texts several earlier ones take together, and none alone', async () => {
    const rules = ['t:[a-m].*$', 't:[^a-m].*$', 't:.+$'].map((regex) => [regex, 'x']);
    expect(inShort(await outbound(...rules))).toEqual([
      ['shadowed', 'outbound.rules.2', expect.stringMatching(/^t:.$/)],
    ]);
    expect(await codesOf(outbound(...rules.slice(1)))).toEqual(['overlap']);
  });

  it('is told which rules take its texts: none that is shadowed itself, or that takes others only', async () => {
    const messageOfLast = async (...rules: unknown[]) => (await outbound(...rules)).at(-1)?.message;
    expect(await messageOfLast(['a:b.*$', 'x'], ['a:bc.*$', 'y'], ['a:bcd$', 'z'])).toContain(
      'an earlier rule takes everything that it matches (a:b.*$); move it before that',
    );
    expect(await messageOfLast(['a:b.*$', 'x'], ['a:[bc]d$', 'y'], ['a:bd$', 'z'])).toContain('(a:b.*$)');
    expect(await messageOfLast(['a:b$', 'x'], ['a:[bc]$', 'y'], ['a:[bc]$', 'z'])).toContain('(a:b$, a:[bc]$)');
  });

  it('may stand in another section, and an inbound one may be shadowed by one that blocks', async () => {
    const section = (path: string, rules: unknown[]) => ({ path: ['filters', path, path.length], options: { rules } });
    const findings = await analyseRules({
      outbound: [section('outbound', [['a:', 'x']]), section('outbound', [['a:b$', 'y']])],
      inbound: [
        section('inbound', [
          ['site/', []],
          ['site/a$', [['a', 'b', 'other']]],
        ]),
      ],
      listenedTopics: undefined,
      qos: 1,
    });
    expect(inShort(findings)).toEqual([
      ['shadowed', 'outbound.8.rules.0', 'a:b'],
      ['shadowed', 'inbound.7.rules.1', 'site/a'],
    ]);
  });

  it('is not one on another channel, with a condition before it, or before it one that may not apply', async () => {
    const last = ['a:b$', 'y'];
    const rule = { match: 'a:b$', topic: 'x' };
    for (const first of [
      { ...rule, channel: 'control' },
      { ...rule, when: { value: 1 } },
      ['(?P<t>a:b)$|a:(?P<r>b)$', 'x/{r}'],
      ['a:(?P<r>b)$', 'x/%(r)d'],
      { match: 'a:(?P<r>c)?b$', topic: 'x', payload: { text: '{r}' } },
    ]) {
      expect(await codesOf(outbound(first, last))).not.toContain('shadowed');
    }
    expect(await codesOf(outbound(rule, last))).toEqual(['shadowed']);
    expect(await codesOf(outbound({ ...rule, channel: ['control', 'sensor'] }, last))).toEqual(['shadowed']);
    expect(await codesOf(outbound(rule, { match: 'a:b$', topic: 'y', channel: 'control' }))).toEqual(['shadowed']);
    expect(await codesOf(outbound(['a:(?P<r>[0-9]+)$', 'x/%(r)d'], ['a:1$', 'y']))).toEqual(['shadowed']);
    // A channel that a rule names is listened to by all rules of the section.
    expect(
      await codesOf(outbound({ ...rule, channel: ['control', 'sensor'] }, { ...rule, channel: 'sysmon' }, last)),
    ).toEqual(['shadowed']);
  });

  it('is looked at exactly also with look-arounds, boundaries, flags and classes', async () => {
    expect(await codesOf(outbound(['a:(?!b$)\\w+$', 'x'], ['a:c+$', 'y']))).toEqual(['shadowed']);
    expect(await codesOf(outbound(['a:(?!b$)\\w+$', 'x'], ['a:b$', 'y']))).toEqual([]);
    expect(await codesOf(outbound(['a:\\w+(?<!b)$', 'x'], ['a:\\w*b$', 'y']))).toEqual([]);
    expect(await codesOf(outbound(['a:.*\\bb$', 'x'], ['a:c-b$', 'y']))).toEqual(['shadowed']);
    expect(await codesOf(outbound(['a:.*\\bb$', 'x'], ['a:cb$', 'y']))).toEqual([]);
    expect(await codesOf(outbound(['(?i)A:Ä$', 'x'], ['a:ä$', 'y']))).toEqual(['shadowed']);
    expect(await codesOf(outbound(['a:.*$', 'x'], ['a:b\\nc$', 'y']))).toEqual([]);
  });

  it('is never one that only an approximation shadows', async () => {
    const rules = ['a:(?P<x>[bc])(?P=x)$', 'a:bc$'].map((regex) => [regex, 'x']);
    expect(await codesOf(outbound(...rules))).not.toContain('shadowed');
    expect(await codesOf(outbound(['a:.{1,2}$', 'x'], ...rules.slice(0, 1)))).toEqual(['shadowed']);
  });

  it('is one whose regex no variable and no topic can match', async () => {
    const findings = await analyse({ outbound: [['temperature$', 'x']], inbound: [['site/#', []]] });
    expect(inShort(findings)).toEqual([
      ['unmatchable', 'outbound.rules.0.0', undefined],
      ['unmatchable', 'inbound.rules.0.0', undefined],
    ]);
  });
});

describe('rules that overlap', () => {
  it('are worth an information, with the shortest text that both match', async () => {
    const [finding] = await outbound(['t:bed', 'a'], ['t:(?P<room>\\w+)$', '{room}']);
    expect(finding).toMatchObject({ severity: 'info', code: 'overlap', example: 't:bed' });
  });
});

describe('a regex that is not anchored at its end', () => {
  it('is reported with a longer word that it takes', async () => {
    expect(inShort(await outbound(['temperature:bed', 'x']))).toEqual([
      ['unanchored_end', 'outbound.rules.0.0', expect.stringMatching(/^temperature:bed[a-z]$/)],
    ]);
    expect(inShort(await analyse({ inbound: [{ match: 'site/(?P<room>\\w+)/set', emit: [] }] }))).toEqual([
      ['unanchored_end', 'inbound.rules.0.match', expect.stringMatching(/^site\/\w\/set[a-z]$/)],
    ]);
    expect(await codesOf(outbound(['t:(?P<room>\\w+)', 'x']))).toEqual(['unanchored_end']);
    expect(await codesOf(outbound(['t:(a$|b)', 'x']))).toEqual(['unanchored_end']);
  });

  it('is none that ends at a separator, at an assertion, or that takes anything', async () => {
    for (const regex of [
      't:',
      't:a-',
      't:.*',
      't:(a/)+',
      't:a$',
      't:a\\Z',
      't:(a$|b$)',
      't:a\\b',
      't:a(?!b)',
      't:a[^]*',
      't:(?P<r>.*)',
      't:(?P<r>.+)',
      'cmd:.*/x.*',
      't:(a.*|b.+)',
      't:.*\\n?',
    ]) {
      expect([regex, await codesOf(outbound([regex, 'x']))]).toEqual([regex, []]);
    }
  });
});

describe('two rules that publish to the same topic', () => {
  const [kitchen, any] = [
    { match: 't:kitchen$', topic: 'site/kitchen' },
    { match: 'u:(?P<room>[a-z]+)$', topic: 'site/{room}' },
  ];

  it.each([
    ['QoS', { qos: 0 }],
    ['retain', { retain: true }],
    ['payload', { payload: 'value' }],
    ['payload, QoS', { payload: { text: '{value}' }, qos: 2 }],
  ])('with different %s are reported with the topic', async (what, settings) => {
    const [finding, ...others] = await outbound(kitchen, { ...any, ...settings });
    expect(others).toEqual([]);
    expect(finding).toMatchObject({ severity: 'warning', code: 'topic_conflict', example: 'site/kitchen' });
    expect(finding?.message).toContain(`different ${what}, for "t:kitchen" and "u:kitchen"`);
  });

  it('in the same way are not, whether it is said or not', async () => {
    expect(await outbound(kitchen, { ...any, qos: 1, retain: false, payload: 'event' })).toEqual([]);
  });

  it('are worth no more than an information where each must capture what is literal in the other', async () => {
    const alarm = { match: 'a:(?P<room>[a-z]+)$', topic: 'site/{room}/alarm', qos: 0 };
    const severities = async (...rules: unknown[]) =>
      (await outbound(...rules)).map(({ code, severity }) => [code, severity]);
    const meter = { match: 'e:(?P<meter>[a-z]+)$', topic: 'site/energy/{meter}' };
    expect(await severities(alarm, meter)).toEqual([['topic_conflict', 'info']]);
    for (const topic of ['site/{meter}/alarm', 'site/kit{meter}/alarm', 'site/kitchen/alarm']) {
      expect([topic, await severities(alarm, { ...meter, topic })]).toEqual([topic, [['topic_conflict', 'warning']]]);
    }
    // A rule that clashes in both ways is warned of.
    expect(await severities(alarm, { ...alarm, match: 'b:x$', topic: 'site/energy/x' }, meter)).toEqual([
      ['topic_conflict', 'warning'],
    ]);
  });

  it('are not where the encoding keeps the topics apart, or an earlier rule takes the events', async () => {
    const deep = { match: 't:(?P<room>a/b)$', topic: 'site/{room}', qos: 0 };
    expect(await outbound({ match: 'u:x$', topic: 'site/a/b' }, deep)).toEqual([]);
    expect(await codesOf(outbound({ match: 'u:x$', topic: 'site/a%%2Fb' }, deep))).toEqual(['topic_conflict']);
    const taken = [['u:kitchen$', 'other'], kitchen, { ...any, qos: 0 }];
    expect(await codesOf(outbound(...taken))).toEqual(['overlap']);
  });
});

describe('subscriptions and inbound rules', () => {
  it('are reported where they have nothing to do with each other', async () => {
    const inbound = [
      ['site/(?P<room>[a-z]+)/set$', [['s', '{room}']]],
      ['house/set$', [['s', 'x']]],
    ];
    const findings = await analyse({ inbound, listenedTopics: ['site/+/set', 'site/+/get', '$share/us/site/a/set'] });
    expect(inShort(findings)).toEqual([
      ['unfed_rule', 'inbound.rules.1', undefined],
      ['dead_subscription', 'listened_topics.1', undefined],
    ]);
  });

  it('know wildcards, empty levels, parents and the topics of the broker', async () => {
    const dead = async (filter: string, regex: string) =>
      (await codesOf(analyse({ inbound: [[regex, []]], listenedTopics: [filter] }))).includes('dead_subscription');
    expect(await dead('a/#', 'a$')).toBe(false);
    expect(await dead('a/+', 'a/$')).toBe(false);
    expect(await dead('a/+', 'a$')).toBe(true);
    expect(await dead('+/b', 'a/c/b$')).toBe(true);
    expect(await dead('#', '\\$SYS/')).toBe(true);
    expect(await dead('+/x', '\\$SYS/x$')).toBe(true);
    expect(await dead('$SYS/#', '\\$SYS/')).toBe(false);
    expect(await dead('a.c', 'abc$')).toBe(true);
  });

  it('are left alone where the subscriptions are derived, where a rule only blocks, and where a rule is not understood', async () => {
    expect(await analyse({ inbound: [['house/set$', [['s', 'x']]]] })).toEqual([]);
    expect(await codesOf(analyse({ inbound: [['x$', []]], listenedTopics: [] }))).toEqual([]);
    expect(await codesOf(analyse({ inbound: [['x(', []]], listenedTopics: ['site/#'] }))).toEqual([]);
  });
});

describe('a loop through both buses', () => {
  it('of tuples is an error with a code of its own, and shows its way', async () => {
    const [finding, ...others] = await analyse({
      outbound: [LIGHT_OUT],
      inbound: [LIGHT_IN],
      listenedTopics: ['site/#'],
    });
    expect(others).toEqual([]);
    expect(finding).toMatchObject({ severity: 'error', code: 'possible_tuple_loop', rule: LIGHT_OUT[0] });
    expect(finding?.message).toMatch(
      /"switch:(\w+)_light" → "site\/\1\/light" → "switch:\1_light" → "site\/\1\/light"/,
    );
    expect(finding?.path).toEqual(['filters', 'outbound', 'rules', 0]);
  });

  it('with an object in it is another error, which a reason silences', async () => {
    const out = { match: LIGHT_OUT[0], topic: LIGHT_OUT[1] };
    const into = { match: LIGHT_IN[0], emit: [{ type: 'switch', name: '{room}_light' }] };
    const loops = (given: object, back: object) => codesOf(analyse({ outbound: [given], inbound: [back] }));
    expect(await loops(out, LIGHT_IN)).toEqual(['possible_loop']);
    expect(await loops(LIGHT_OUT, into)).toEqual(['possible_loop']);
    expect(await loops({ ...out, allow_loop: 'the lamp answers' }, into)).toEqual([]);
    expect(await loops(out, { ...into, allow_loop: 'the lamp answers' })).toEqual([]);
    expect(await loops(out, { ...into, allow_loop: ' ' })).toEqual(['possible_loop']);
  });

  it('says what it did not look at, and how its rules can allow it', async () => {
    const out = { match: LIGHT_OUT[0], topic: LIGHT_OUT[1] };
    const into = { match: LIGHT_IN[0], emit: [{ type: 'switch', name: '{room}_light' }] };
    const message = async (given: unknown, back: unknown) =>
      (await analyse({ outbound: [given], inbound: [back] }))[0]?.message;
    expect(await message(LIGHT_OUT, LIGHT_IN)).toMatch(/write one of them as an object with allow_loop: "<why>"$/);
    expect(await message(out, into)).toMatch(/if it is meant, give one of them allow_loop: "<why>"$/);
    const unseen = /; what these allow was not looked at: (.*)$/;
    expect((await message({ ...out, when: { value: 1 } }, { ...into, value: { max: 5 } }))?.match(unseen)?.[1]).toBe(
      `when of ${LIGHT_OUT[0]}, value of ${LIGHT_IN[0]}`,
    );
    const emit = [{ ...into.emit[0], read: 'number', value: { max: 5 } }];
    expect((await message(out, { ...into, emit }))?.match(unseen)?.[1]).toBe(`value and read of ${LIGHT_IN[0]}`);
  });

  it('may go by several rules', async () => {
    const given = {
      outbound: [
        ['a:(?P<x>\\w+)$', 'one/{x}'],
        ['b:(?P<x>\\w+)$', 'two/{x}'],
      ],
      inbound: [
        ['one/(?P<x>\\w+)$', [['b', '{x}']]],
        ['two/(?P<x>\\w+)$', [['a', '{x}']]],
      ],
    };
    const [finding, ...others] = await analyse(given);
    expect(others).toEqual([]);
    expect(finding?.message).toMatch(/"a:(\w)" → "one\/\1" → "b:\1" → "two\/\1" → "a:\1" → "one\/\1"/);
    expect(await analyse({ ...given, inbound: given.inbound.slice(0, 1) })).toEqual([]);
  });

  it('is found where the groups stand in another order, are repeated, or are numbers', async () => {
    const both = (out: unknown, back: unknown) => codesOf(analyse({ outbound: [out], inbound: [back] }));
    const back = ['site/(?P<room>\\w+)/(?P<type>\\w+)$', [['{type}', '{room}']]];
    expect(await both(['(?P<type>\\w+):(?P<room>\\w+)$', 'site/{room}/{type}'], back)).toEqual(['possible_tuple_loop']);
    expect(await both(['(?P<room>t):(?P<type>\\w+)$', 'site/{room}/{room}'], back)).toEqual(['possible_tuple_loop']);
    expect(await both(['a:(?P<n>[0-9]+)$', 'n/%(n)x'], ['n/(?P<n>[0-9a-f]+)$', [['a', '{n}']]])).toEqual([
      'possible_tuple_loop',
    ]);
    expect(await both(['a:(?P<n>.+)$', 'n/{n}'], ['n/(?P<n>.+%2F.+)$', [['a', '{n}']]])).toEqual([
      'possible_tuple_loop',
    ]);
  });

  it.each([
    ['the event comes on a channel that does not go out', { channels: ['sensor'] }],
    ['nothing is subscribed to that it is published on', { listenedTopics: ['site/+/set'] }],
    ['an earlier rule blocks the topic', { inbound: [['site/\\w+/light$', []], LIGHT_IN] }],
    ['an earlier rule takes the event to another topic', { outbound: [['switch:', 'switches'], LIGHT_OUT] }],
    [
      'a look-ahead keeps it away',
      { inbound: [['site/(?!.*light)(?P<room>\\w+)/\\w+$', [['switch', '{room}_light']]]] },
    ],
    ['the event that comes back is another one', { inbound: [[LIGHT_IN[0], [['switch', '{room}_lamp']]]] }],
    ['the slash in a name is encoded', { outbound: [['switch:(?P<x>\\w+/light)$', 'site/{x}']] }],
  ])('is none where %s', async (_, change) => {
    const findings = await analyse({ outbound: [LIGHT_OUT], inbound: [LIGHT_IN], ...change });
    expect(findings.filter(({ code }) => code.includes('loop'))).toEqual([]);
  });

  it('is a warning that says so where it can not be shown', async () => {
    const back = ['site/(?P<room>\\w+)(?P<x>[bc])(?P=x)$', [['switch', '{room}']]];
    const findings = await analyse({ outbound: [['switch:(?P<room>\\w+)$', 'site/{room}bc']], inbound: [back] });
    expect(findings.filter(({ code }) => code.includes('loop'))).toEqual([
      expect.objectContaining({ severity: 'warning', message: expect.stringMatching(/^not exact/) }),
    ]);
  });
});

describe('the analysis', () => {
  it('leaves out rules and sections that do not load: others report those', async () => {
    const broken = [5, null, [], ['a:('], ['a:b', 7], ['a:b', '{x}'], {}, { match: 'a:b' }, { match: [], topic: 'x' }];
    expect(await analyse({ outbound: broken, inbound: broken, listenedTopics: [5, 'a/#/b'] as never })).toEqual([]);
    const path = ['filters'];
    const sections = { outbound: [{ path, options: {} }], inbound: [{ path, options: { rules: 'x' } }] };
    expect(await analyseRules({ ...sections, listenedTopics: undefined, qos: 1 })).toEqual([]);
  });

  it('says what it had no time for', async () => {
    const rules = Array.from({ length: 50 }, (_, index) => [`t:${index}$`, 'x']);
    expect(await analyse({ outbound: rules, inbound: [LIGHT_IN] }, { budgetMs: 0 })).toEqual([
      {
        severity: 'info',
        code: 'incomplete',
        path: [],
        message: expect.stringMatching(/^not everything was looked at within 0 ms; left out: .*\(50 of 50 rules\)/),
      },
    ]);
  });

  it('says what was too large, and looks at the rest', async () => {
    const findings = await outbound(['a:(?=.*b.{12}c)\\w+$', 'x'], ['b:c$', 'x'], ['b:c$', 'y']);
    expect(inShort(findings)).toEqual([
      ['shadowed', 'outbound.rules.2', 'b:c'],
      ['incomplete', 'outbound.rules.0.0', undefined],
    ]);
  });

  it('is not held up by rules that all overlap, and gives way meanwhile', async () => {
    const rules = Array.from({ length: 200 }, (_, index) => [`.*:.*room_${index}.*`, 'x']);
    let turns = 0;
    let isDone = false;
    const analysed = analyse({ outbound: rules }, { budgetMs: 300 }).finally(() => {
      isDone = true;
    });
    while (!isDone) {
      turns++;
      await nextTurn();
    }
    expect(turns).toBeGreaterThan(2);
    expect(await codesOf(analysed)).toContain('incomplete');
  });
});
