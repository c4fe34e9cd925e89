import { randomUUID } from 'node:crypto';
import {
  type BrokerAddress,
  formatBrokerAddress,
  type Logger,
  MQTTConnector,
  type MQTTConnectorOptions,
  MQTTGatewayError,
  type MQTTMessage,
  matchesTopicFilter,
} from '@cstbox/mqtt-core';
import { harmless } from '../terminal.js';
import { type Outcome, StepFault, type Trials, within } from './trials.js';

/** So many topics are named in a line. */
const LISTED_TOPICS = 20;

/** What is tried at a broker. */
export interface MqttTrial {
  /** What the gateway would connect with, for one broker. */
  readonly options: MQTTConnectorOptions & { broker: string; clientId: string };
  readonly address: BrokerAddress;
  /** The keys that lead to it in the configuration. */
  readonly place: readonly (string | number)[];
  /** Where a word of the probe goes, and has to come back from. */
  readonly probeTopic: string;
  /** Whether a client certificate is configured. */
  readonly hasCertificate: boolean;
}

/**
 * Tries MQTT as the gateway would: logs in, subscribes, publishes to the probe's topic, hears it again, and says goodbye. It has a client
 * id of its own and leaves no session, so that a running gateway is not disturbed.
 */
export async function tryMqtt(trials: Trials, { options, address, place, probeTopic, hasCertificate }: MqttTrial) {
  const { topics = [], subscribeQoS: qos = 1 } = options;
  // As a member of a group we would take messages away from the others.
  const wanted = [...new Set(topics.map((topic) => topic.replace(/^\$share\/[^/]*\//, '')))];
  const broker = formatBrokerAddress(address);
  const watch = new Watch();
  await using connector = new MQTTConnector({
    ...options,
    clientId: `${options.clientId}-check`,
    sessionExpiry: 0,
    // The step has a time of its own.
    connectTimeoutMs: 2 * trials.timeoutMs,
    topics: [...new Set([...wanted, probeTopic])],
    logger: watch.logger,
  });
  connector.watch(watch.notify);
  const messages: MQTTMessage[] = [];
  connector.onMessage = (_client, _userData, message) => {
    if (message.topic !== probeTopic) return;
    messages.push(message);
    watch.notify();
  };

  const login = async (signal: AbortSignal): Promise<Outcome> => {
    void connector.run().catch(() => {});
    await watch.until(() => connector.protocolVersion !== undefined || connector.status.fault !== undefined, signal);
    const { protocolVersion } = connector;
    if (protocolVersion === undefined) throw faultOf(connector, options, hasCertificate);
    const as = options.login === undefined ? 'without a user name' : `as user '${harmless(options.login)}'`;
    const details = { protocolVersion, clientId: connector.clientId };
    return { message: `MQTT ${protocolVersion}, ${as}, client id ${connector.clientId}`, details };
  };
  const subscribe = async (signal: AbortSignal): Promise<Outcome> => {
    await watch.until(() => connector.connected || connector.protocolVersion === undefined, signal);
    if (!connector.connected) throw faultOf(connector, options, hasCertificate);
    const refused = (connector.status.refusedTopics ?? []).filter((topic) => wanted.includes(topic));
    const granted = wanted.filter((topic) => !refused.includes(topic));
    const details = { granted, refused };
    if (refused.length === 0) return { message: `granted: ${listed(granted)}`, details };
    const rest = granted.length > 0 ? `; granted: ${listed(granted)}` : '';
    throw new StepFault(
      `refused: ${listed(refused)}${rest}; the broker's access list has to allow reading them`,
      ['listened_topics'],
      details,
    );
  };
  const probe = async (signal: AbortSignal): Promise<Outcome> => {
    await watch.until(() => connector.connected || connector.protocolVersion === undefined, signal);
    if (!connector.connected) throw faultOf(connector, options, hasCertificate);
    const remedy = `the broker's access list has to allow writing and reading ${probeTopic}; or name another topic with --probe-topic`;
    if (connector.status.refusedTopics?.includes(probeTopic)) {
      throw new StepFault(`the broker refused the subscription to the probe's topic: ${remedy}`);
    }
    const word = randomUUID();
    const started = performance.now();
    await publish(connector, probeTopic, word, qos, signal).catch((error) => {
      signal.throwIfAborted();
      throw new StepFault(`${describe(error)}: ${remedy}`);
    });
    const isBack = () => messages.some(({ payload }) => Buffer.from(payload).toString() === word);
    await watch.until(() => isBack() || !connector.connected, signal).catch(() => {});
    if (!isBack()) {
      const answer = qos === 0 ? 'it went out' : 'the broker acknowledged it';
      const then = connector.connected ? 'it did not come back' : 'the broker ended the connection';
      // MQTT 3.1.1 has no words for a publish that is denied.
      throw new StepFault(`${answer}, and ${then}: ${remedy}`);
    }
    const roundTripMs = Math.round((performance.now() - started) * 10) / 10;
    const message = `${probeTopic} at QoS ${qos}, there and back in ${roundTripMs} ms`;
    const details = { topic: probeTopic, qos, roundTripMs };
    const heard = topics.find((topic) => matchesTopicFilter(topic, probeTopic));
    if (heard === undefined) return { message, details };
    return { outcome: 'info', message: `${message}; a running gateway hears it too, by ${heard}`, details };
  };

  if (!(await trials.try('mqtt', broker, login, place))) return;
  const worked = wanted.length === 0 || (await trials.try('subscribe', broker, subscribe));
  if (worked || connector.connected) await trials.try('probe', broker, probe);
  await trials.try('disconnect', broker, async (signal) => {
    await within(connector.shutdown(), signal);
    return { message: 'said goodbye' };
  });
}

async function publish(connector: MQTTConnector, topic: string, word: string, qos: 0 | 1 | 2, signal: AbortSignal) {
  await within(connector.publish(topic, word, { qos }), signal);
}

function describe(error: unknown): string {
  return error instanceof MQTTGatewayError ? error.message : String(error);
}

/** What stands between us and the broker, and which key of the configuration it is about. */
function faultOf(connector: MQTTConnector, { login }: MQTTConnectorOptions, hasCertificate: boolean): StepFault {
  const fault = harmless(connector.status.fault ?? 'the broker ended the connection');
  if (/certificate/.test(fault)) return new StepFault(fault, hasCertificate ? ['tls', 'certfile'] : ['tls']);
  if (/identifier|client id/i.test(fault)) return new StepFault(fault, ['broker', 'client_id']);
  if (!/user ?name|not authori[sz]ed/i.test(fault)) return new StepFault(fault);
  return login === undefined
    ? new StepFault(`${fault}: the configuration has no auth.username`)
    : new StepFault(fault, ['auth']);
}

function listed(topics: readonly string[]): string {
  const more = topics.length - LISTED_TOPICS;
  return `${topics.slice(0, LISTED_TOPICS).map(harmless).join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
}

/** Wakes whoever waits for something of a connector whenever it has changed, or has something to say. */
class Watch {
  #waiting: (() => void)[] = [];

  readonly notify = (): void => {
    // What it says stands before what it does.
    setImmediate(() => {
      for (const wake of this.#waiting.splice(0)) wake();
    });
  };

  readonly logger: Logger = { debug: this.notify, info: this.notify, warn: this.notify, error: this.notify };

  async until(condition: () => boolean, signal: AbortSignal): Promise<void> {
    while (!condition()) await within(new Promise<void>((resolve) => this.#waiting.push(resolve)), signal);
  }
}
