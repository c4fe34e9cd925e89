import { randomBytes } from 'node:crypto';
import { type ClientRequest, type IncomingMessage, request } from 'node:http';
import { createConnection, type Socket } from 'node:net';
import { type BrokerAddress, formatBrokerAddress, type TLSOptions } from '@cstbox/mqtt-core';
import { type Outcome, StepFault } from './trials.js';
import type { Explain } from './try-network.js';
import { openTls } from './try-tls.js';

/** Asks for MQTT over WebSocket (RFC 6455, section 4.1), and closes the connection again. */
export async function connectWebSocket(
  address: BrokerAddress,
  tls: TLSOptions,
  explain: Explain,
  signal: AbortSignal,
): Promise<Outcome> {
  const { protocol, host, port, path = '/' } = address;
  const socket = protocol === 'wss' ? openTls(address, tls, true) : createConnection({ host, port });
  socket.on('error', () => {});
  try {
    const asking = request({
      createConnection: () => socket,
      host,
      port,
      path,
      headers: {
        Connection: 'Upgrade',
        Upgrade: 'websocket',
        'Sec-WebSocket-Version': '13',
        'Sec-WebSocket-Key': randomBytes(16).toString('base64'),
        'Sec-WebSocket-Protocol': 'mqtt',
      },
      signal,
    });
    const answer = await answerTo(asking);
    return judge(answer, formatBrokerAddress(address));
  } catch (error) {
    signal.throwIfAborted();
    throw error instanceof StepFault ? error : new StepFault(explain(error));
  } finally {
    socket.destroy();
  }
}

function answerTo(asking: ClientRequest): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    asking.on('error', reject);
    asking.on('response', resolve);
    asking.on('upgrade', (answer: IncomingMessage, _socket: Socket) => resolve(answer));
    asking.end();
  });
}

function judge({ statusCode, headers }: IncomingMessage, url: string): Outcome {
  if (statusCode !== 101) {
    throw new StepFault(
      `the server answers ${statusCode} at ${url}: there is no MQTT over WebSocket at this path; Mosquitto takes any, others /mqtt`,
    );
  }
  if (headers['sec-websocket-protocol'] !== 'mqtt') {
    throw new StepFault(`the server at ${url} speaks WebSocket, but not MQTT over it`);
  }
  return { message: 'the server speaks MQTT over WebSocket' };
}
