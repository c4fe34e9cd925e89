import { createInterface } from 'node:readline/promises';
import { describeError } from '@cstbox/mqtt-core';
import { brokerUrl, type StarterAnswers, siteFault } from './starter-configuration.js';

/** What is known before anybody is asked. */
export type GivenAnswers = Partial<StarterAnswers> & { readonly tls?: boolean | undefined };

/** Who is asked, and where. */
export interface Terminal {
  readonly input: NodeJS.ReadableStream;
  readonly output: NodeJS.WritableStream;
}

/**
 * Asks for what a starter configuration needs and is not known yet.
 *
 * @returns `undefined` when it was broken off, by Ctrl-C or the end of the input
 */
export async function askStarter(given: GivenAnswers, terminal: Terminal): Promise<StarterAnswers | undefined> {
  const brokenOff = new AbortController();
  const { signal } = brokenOff;
  const prompts = createInterface({ ...terminal, terminal: true });
  prompts.on('SIGINT', () => prompts.close());
  prompts.on('close', () => brokenOff.abort());
  /** Asks until the answer will do. An empty one stands for `otherwise`. */
  const ask = async <T>(question: string, otherwise: string, read: (answer: string) => T): Promise<T> => {
    for (;;) {
      const hint = otherwise === '' ? '' : ` [${otherwise}]`;
      const answer = (await prompts.question(`${question}${hint}: `, { signal })).trim() || otherwise;
      try {
        return read(answer);
      } catch (error) {
        terminal.output.write(`  ${describeError(error)}\n`);
      }
    }
  };
  const text = (answer: string) => answer || undefined;
  try {
    const broker = await ask('The broker, a host or a URL', 'localhost', (answer) =>
      brokerUrl(answer, given.tls ?? false),
    );
    const usesTls = /^(mqtts|wss):/.test(broker);
    const ca =
      given.ca ??
      (usesTls ? await ask('File of the authorities to trust; empty: the usual ones', '', text) : undefined);
    const username = given.username ?? (await ask('User name at the broker; empty: none', '', text));
    const passwordFile =
      given.passwordFile ?? (username ? await ask('File that holds the password', 'mqtt_password', text) : undefined);
    const clientId =
      given.clientId ?? (await ask("This gateway's name at the broker; empty: made of the machine's id", '', text));
    const site = given.site ?? (await ask('The first level of all topics', 'site', checkSite));
    return { ...given, broker, ca, username, passwordFile, clientId, site };
  } catch (error) {
    if (!signal.aborted) throw error;
    return undefined;
  } finally {
    prompts.close();
  }
}

function checkSite(site: string): string {
  const fault = siteFault(site);
  if (fault) throw new Error(fault);
  return site;
}
