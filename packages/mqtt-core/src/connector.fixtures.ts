import type { Logger } from './logger.js';
import { MQTTConnector } from './mqtt-connector.js';
import type { MQTTMessage } from './mqtt-message.js';

/** A connector that keeps what it receives. */
export class Listener extends MQTTConnector {
  readonly messages: MQTTMessage[] = [];

  override onMessage(_client: MQTTConnector, _userData: unknown, message: MQTTMessage): void | Promise<void> {
    this.messages.push(message);
  }

  get texts(): string[] {
    return this.messages.map(({ payload }) => Buffer.from(payload).toString());
  }

  /** The message that comes as the n-th, counted from 0; waits for it. */
  async message(index: number): Promise<MQTTMessage> {
    for (;;) {
      const message = this.messages[index];
      if (message) return message;
      await rest(5);
    }
  }
}

/** A connector whose messages wait until they are released. */
export class SlowListener extends Listener {
  readonly waiting: { text: string; resolve(): void; reject(error: Error): void }[] = [];

  override onMessage(client: MQTTConnector, userData: unknown, message: MQTTMessage): Promise<void> {
    void super.onMessage(client, userData, message);
    const text = Buffer.from(message.payload).toString();
    return new Promise((resolve, reject) => {
      this.waiting.push({ text, resolve, reject });
    });
  }

  /** Ends the handling of everything that waits. */
  release(): void {
    for (const { resolve } of this.waiting.splice(0)) resolve();
  }
}

/** A logger that keeps its lines, each with its level in front. */
export function keepLog() {
  const lines: string[] = [];
  const at = (level: string) => (message: string) => void lines.push(`${level} ${message}`);
  const logger = { lines, debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') };
  return Object.assign(logger satisfies Logger, {
    /** The lines of these levels. */
    at: (...levels: string[]) => lines.filter((line) => levels.some((level) => line.startsWith(`${level} `))),
  });
}

/** Waits so long. */
export function rest(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** Tries again at once: what is tested is not how long to wait. */
export const QUICKLY = { reconnect: { minMs: 20, maxMs: 100 } } as const;
