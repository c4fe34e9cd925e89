import { describe, expect, it, vi } from 'vitest';
import { CommandGate, type Pass } from './command-gate.js';
import type { Refusal } from './filter.js';
import type { InboundPolicy } from './inbound-policy.js';
import type { MQTTMessage } from './mqtt-message.js';

const message = (payload: unknown, more: Partial<MQTTMessage> = {}): MQTTMessage => ({
  topic: 'in/lamp',
  payload: Buffer.from(typeof payload === 'string' ? payload : JSON.stringify(payload)),
  qos: 1,
  retain: false,
  ...more,
});
const judge = (policy: InboundPolicy, given: MQTTMessage, channels = ['control'], ofRule?: InboundPolicy) =>
  reasonOf(new CommandGate(policy).judge(given, channels, ofRule));
const reasonOf = (verdict: Pass | Refusal) => ('reason' in verdict ? verdict.reason : 'pass');

describe('a retained message', () => {
  const retained = message('on', { retain: true });

  it('is ignored where it would go to the control channel, and accepted elsewhere', () => {
    expect(judge({}, retained)).toBe('retained');
    expect(judge({}, retained, ['sensor'])).toBe('pass');
    expect(judge({}, retained, ['sensor', 'control'])).toBe('retained');
  });

  it('is what the policy says, and what the rule says before it', () => {
    expect(judge({ retained: 'accept' }, retained)).toBe('pass');
    expect(judge({ retained: 'ignore' }, retained, ['sensor'])).toBe('retained');
    expect(judge({ retained: 'ignore' }, retained, ['control'], { retained: 'accept' })).toBe('pass');
  });
});

describe('a message with a date', () => {
  const policy: InboundPolicy = { maxAgeMs: 10_000 };

  it('is refused when it is older than it may be', () => {
    expect(judge(policy, message({ value: 1, timestamp: Date.now() - 20_000 }))).toBe('too_old');
    expect(judge(policy, message({ value: 1, timestamp: new Date(Date.now() - 20_000).toISOString() }))).toBe(
      'too_old',
    );
    expect(judge(policy, message({ value: 1, timestamp: Date.now() - 2_000 }))).toBe('pass');
    expect(judge({}, message({ value: 1, timestamp: 1 }))).toBe('pass');
    expect(judge({ ...policy, timestampField: 'at' }, message({ at: 1 }))).toBe('too_old');
  });

  it('is refused when its date can not be read, where its age matters', () => {
    for (const timestamp of ['soon', {}, true, '']) {
      expect(judge(policy, message({ value: 1, timestamp }))).toBe('unreadable_date');
      expect(judge({}, message({ value: 1, timestamp }))).toBe('pass');
    }
  });

  it('is told when its date seems to be in seconds', () => {
    const verdict = new CommandGate(policy).judge(message({ timestamp: Math.round(Date.now() / 1_000) }), []);
    expect(verdict).toMatchObject({ reason: 'too_old', detail: expect.stringContaining('in seconds?') });
  });

  it('is taken for new when its date lies in the future, or is missing', () => {
    for (const timestamp of [Date.now() + 1e9, null, undefined, Number.POSITIVE_INFINITY]) {
      expect(judge(policy, message({ value: 1, timestamp }))).toBe('pass');
    }
    expect(judge(policy, message('on'))).toBe('pass');
    expect(judge(policy, message('"timestamp": broken'))).toBe('pass');
  });

  it('grows old while it waits for the bus', async () => {
    const pass = new CommandGate({ maxAgeMs: 20 }).judge(message('on'), ['control']) as Pass;
    expect(pass.overdue()).toBeUndefined();
    await new Promise((resolve) => setTimeout(resolve, 40));
    expect(pass.overdue()?.reason).toBe('too_old');
  });

  it('expires when MQTT says so, without any policy', async () => {
    expect(judge({}, message('on', { properties: { messageExpiryInterval: 0 } }))).toBe('expired');
    const pass = new CommandGate().judge(message('on', { properties: { messageExpiryInterval: 0.02 } }), []) as Pass;
    expect(pass.overdue()).toBeUndefined();
    await new Promise((resolve) => setTimeout(resolve, 40));
    expect(pass.overdue()?.reason).toBe('expired');
  });
});

describe('a message with an identifier', () => {
  const property = (id: string) => message('on', { properties: { userProperties: { command_id: id } } });

  it('passes once, by its payload or its user property', () => {
    const gate = new CommandGate();
    const verdicts = [
      message({ value: 1, command_id: 7 }),
      message({ value: 2, command_id: 7 }),
      property('8'),
      property('8'),
    ];
    expect(verdicts.map((each) => reasonOf(gate.judge(each, [])))).toEqual(['pass', 'duplicate', 'pass', 'duplicate']);
    expect(reasonOf(gate.judge(message({ command_id: 7 }, { topic: 'in/other' }), []))).toBe('pass');
  });

  it('passes again after it was not handed over', () => {
    const gate = new CommandGate();
    (gate.judge(property('1'), []) as Pass).revoke();
    expect(reasonOf(gate.judge(property('1'), []))).toBe('pass');
  });

  it('is known by another field where the policy names one', () => {
    const gate = new CommandGate({ idField: 'seq' });
    expect([1, 1, 2].map((seq) => reasonOf(gate.judge(message({ seq }), [])))).toEqual(['pass', 'duplicate', 'pass']);
  });

  it('needs no identifier, and takes nothing strange for one', () => {
    const gate = new CommandGate();
    for (const id of [null, '', {}, [], true]) {
      for (let time = 0; time < 2; time++) expect(reasonOf(gate.judge(message({ command_id: id }), []))).toBe('pass');
    }
    for (let time = 0; time < 2; time++) expect(reasonOf(gate.judge(message('[["command_id"'), []))).toBe('pass');
  });

  it('is forgotten after ten thousand others', () => {
    const gate = new CommandGate();
    for (let id = 0; id <= 10_000; id++) gate.judge(property(String(id)), []);
    expect(reasonOf(gate.judge(property('0'), []))).toBe('pass');
    expect(reasonOf(gate.judge(property('9999'), []))).toBe('duplicate');
  });
});

describe('a limit of the rate', () => {
  const rateLimit = { messages: 2, perMs: 3_600_000 };
  const judgeAll = (gate: CommandGate, messages: readonly MQTTMessage[], policy: InboundPolicy = { rateLimit }) =>
    messages.map((each) => reasonOf(gate.judge(each, ['control'], policy)));

  it('is a refusal of its own, which says how many are allowed', () => {
    const gate = new CommandGate();
    expect(judgeAll(gate, [message(1), message(2), message(3)])).toEqual(['pass', 'pass', 'rate_limited']);
    expect(gate.judge(message(4), ['control'], { rateLimit })).toMatchObject({ detail: 'more came than 2 in 3600 s' });
  });

  it('counts neither what is stale, late or doubled, nor what was not handed over', () => {
    const gate = new CommandGate();
    const policy = { rateLimit, maxAgeMs: 10_000 };
    const once = message({ command_id: 'a' });
    const refused = [message(1, { retain: true }), message({ timestamp: 1 }), once];
    expect(judgeAll(gate, [once, ...refused], policy)).toEqual(['pass', 'retained', 'too_old', 'duplicate']);
    const left = gate.judge(message({ command_id: 'b' }), ['control'], policy) as Pass;
    expect(judgeAll(gate, [message(2)], policy)).toEqual(['rate_limited']);
    left.revoke();
    expect(judgeAll(gate, [message({ command_id: 'b' }), message(3)], policy)).toEqual(['pass', 'rate_limited']);
  });

  it('leaves the identifier of what it refuses new', () => {
    const gate = new CommandGate();
    judgeAll(gate, [message(1), message(2)]);
    expect(judgeAll(gate, [message({ command_id: 'a' })])).toEqual(['rate_limited']);
    expect(judgeAll(gate, [message({ command_id: 'a' })], {})).toEqual(['pass']);
  });

  it('holds for the rules that share it, and for each gate on its own', () => {
    const gate = new CommandGate();
    expect(judgeAll(gate, [message(1), message(2)])).toEqual(['pass', 'pass']);
    expect(judgeAll(gate, [message(3)], { rateLimit, idField: 'other' })).toEqual(['rate_limited']);
    expect(judgeAll(gate, [message(3)], { rateLimit: { ...rateLimit } })).toEqual(['pass']);
    expect(judgeAll(new CommandGate(), [message(3)])).toEqual(['pass']);
  });

  it('neither opens nor closes when the date is set', () => {
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() });
    try {
      const gate = new CommandGate();
      expect(judgeAll(gate, [message(1)])).toEqual(['pass']);
      vi.setSystemTime(0);
      expect(judgeAll(gate, [message(2)])).toEqual(['pass']);
      vi.setSystemTime(Date.UTC(2100, 0));
      expect(judgeAll(gate, [message(3)])).toEqual(['rate_limited']);
    } finally {
      vi.useRealTimers();
    }
  });
});
