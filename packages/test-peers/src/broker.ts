import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer as createHttpServer } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import { createServer as createTcpServer, type Server, type Socket } from 'node:net';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import type { Duplex } from 'node:stream';
import { createServer as createTlsServer } from 'node:tls';
import { Aedes } from 'aedes';
import { createWebSocketStream, WebSocketServer } from 'ws';
import type { Certificates } from './certificates.js';
import { PeerProcess } from './peer-process.js';
import { accepts, freePort, isInstalled } from './processes.js';

export type BrokerKind = 'aedes' | 'mosquitto';

/** Who may log in. */
export interface BrokerUser {
  readonly name: string;
  readonly password: string;
}

/** What the broker should be like. */
export interface BrokerOptions {
  /** Default: aedes, which runs within this process. */
  kind?: BrokerKind;
  /** Default: a free one. */
  port?: number;
  /** Speak MQTT over WebSocket. */
  webSocket?: boolean;
  /** Speak TLS. */
  tls?: Certificates;
  /** With `tls`: accept only clients that have a certificate. */
  clientCertificate?: boolean;
  /** A topic filter that nobody may subscribe to. Only aedes can. Default: everything is allowed. */
  deniedTopic?: string;
  /** The only user who is let in, or the only ones. Default: everybody is. */
  user?: BrokerUser | readonly BrokerUser[];
  /** Lines of an access list in Mosquitto's words, as `topic readwrite a/#`. Only Mosquitto can. Default: everything is allowed. */
  acl?: readonly string[];
  /** More lines for `mosquitto.conf`, as `max_packet_size 1000`. Only Mosquitto can. */
  settings?: readonly string[];
  /**
   * Keep sessions and messages on disk, to find them again when the process is started again. It saves after each change,
   * and acknowledges before it saves: a SIGKILL can lose what it has acknowledged. Only Mosquitto can. Default: false.
   */
  persistence?: boolean;
}

/** A running broker on the loopback interface. */
export interface Broker extends AsyncDisposable {
  readonly kind: BrokerKind;
  readonly host: '127.0.0.1';
  readonly port: number;
  readonly url: string;
  /** The broker's process, to be broken and started again on the same port. Only Mosquitto has one of its own. */
  readonly process: PeerProcess;
  /** Cuts every connection without a goodbye. Only aedes can; {@link TcpProxy} can for both. */
  cut(): void;
}

/** The brokers that tests can run on here: aedes always, Mosquitto where it is installed. */
export const brokerKinds: readonly BrokerKind[] = isInstalled('mosquitto', '-h') ? ['aedes', 'mosquitto'] : ['aedes'];

/** Starts a broker; disposing stops it and waits until its port is closed. */
export async function startBroker(options: BrokerOptions = {}): Promise<Broker> {
  const scheme = options.webSocket ? (options.tls ? 'wss' : 'ws') : options.tls ? 'mqtts' : 'mqtt';
  const { kind = 'aedes' } = options;
  const running = kind === 'aedes' ? await startAedes(options) : await startMosquitto(options);
  const own = { kind, host: '127.0.0.1', url: `${scheme}://127.0.0.1:${running.port}` } as const;
  return Object.assign(running, own);
}

type Running = Pick<Broker, 'port' | 'process' | 'cut'> & AsyncDisposable;

async function startAedes(options: BrokerOptions): Promise<Running> {
  const { port = 0, webSocket, tls, clientCertificate, deniedTopic, user } = options;
  const aedes = await Aedes.createBroker();
  if (user) {
    aedes.authenticate = (_client, name, password, done) =>
      done(
        null,
        [user].flat().some((each) => name === each.name && password?.toString() === each.password),
      );
  }
  if (deniedTopic) {
    aedes.authorizeSubscribe = (_client, subscription, done) =>
      done(null, subscription.topic === deniedTopic ? null : subscription);
  }
  const handle = (stream: Duplex) => void aedes.handle(readingAll(stream) as Socket);
  const tlsOptions = tls && {
    ...tls.server,
    ca: tls.ca,
    requestCert: clientCertificate === true,
    rejectUnauthorized: clientCertificate === true,
  };

  let server: Server;
  if (webSocket) {
    const http = tlsOptions ? createHttpsServer(tlsOptions) : createHttpServer();
    new WebSocketServer({ server: http }).on('connection', (socket) => handle(createWebSocketStream(socket)));
    server = http;
  } else {
    server = tlsOptions ? createTlsServer(tlsOptions, handle) : createTcpServer(handle);
  }
  // A client that gives up in the middle of a TLS handshake is not this server's trouble.
  server.on('tlsClientError', () => {});
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    socket.on('error', () => {});
  });
  const cut = () => {
    for (const socket of sockets) socket.destroy();
  };
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as { port: number }).port,
    get process(): PeerProcess {
      throw new Error('aedes runs within the process of the test');
    },
    cut,
    [Symbol.asyncDispose]: async () => {
      const closed = once(server, 'close');
      server.close();
      cut();
      await closed;
      await new Promise<void>((resolve) => aedes.close(resolve));
    },
  };
}

/**
 * aedes reads once and expects everything that is there. From Node.js 26 on a read gives one chunk at a time, and aedes
 * waits for ever for the rest.
 */
function readingAll(stream: Duplex): Duplex {
  const read = stream.read.bind(stream);
  stream.read = (size?: number | null) => {
    if (typeof size === 'number') return read(size);
    const chunks: Buffer[] = [];
    for (let chunk = read(); chunk !== null; chunk = read()) chunks.push(chunk);
    return chunks.length > 0 ? Buffer.concat(chunks) : null;
  };
  return stream;
}

async function startMosquitto(options: BrokerOptions): Promise<Running> {
  const port = options.port ?? (await freePort());
  const directory = await mkdtemp(join(tmpdir(), 'mqttgwd-broker-'));
  const file = async (name: string, content: string) => {
    const path = join(directory, name);
    await writeFile(path, content);
    return path;
  };
  const lines = [
    `listener ${port} 127.0.0.1`,
    'max_queued_messages 0',
    'set_tcp_nodelay true',
    // Started as root it would become another user, who can't read and write here.
    `user ${userInfo().username}`,
  ];
  if (options.persistence) {
    const store = join(directory, 'store');
    await mkdir(store);
    lines.push('persistence true', `persistence_location ${store}/`);
    lines.push('autosave_on_changes true', 'autosave_interval 1');
  } else {
    lines.push('persistence false');
  }
  if (options.acl) lines.push(`acl_file ${await file('acl', `${options.acl.join('\n')}\n`)}`);
  if (options.webSocket) lines.push('protocol websockets');
  if (options.tls) {
    lines.push(`cafile ${await file('ca.pem', options.tls.ca)}`);
    lines.push(`certfile ${await file('server.pem', options.tls.server.cert)}`);
    lines.push(`keyfile ${await file('server.key', options.tls.server.key)}`);
    if (options.clientCertificate) lines.push('require_certificate true');
  }
  if (options.user) {
    const users = [options.user].flat().map(({ name, password }) => `${name}:${password}\n`);
    const passwords = await file('passwords', users.join(''));
    const hashing = spawn('mosquitto_passwd', ['-U', passwords], { stdio: 'ignore' });
    await once(hashing, 'exit');
    lines.push(`password_file ${passwords}`, 'allow_anonymous false');
  } else {
    lines.push('allow_anonymous true');
  }
  lines.push(...(options.settings ?? []));
  const configuration = await file('mosquitto.conf', `${lines.join('\n')}\n`);
  const process = new PeerProcess({
    name: 'mosquitto',
    command: 'mosquitto',
    args: ['-c', configuration],
    isReady: () => accepts(port),
  });
  const dispose = async () => {
    await process[Symbol.asyncDispose]();
    await rm(directory, { recursive: true, force: true });
  };
  try {
    await process.start();
  } catch (error) {
    await dispose();
    throw error;
  }
  return {
    port,
    process,
    cut() {
      throw new Error('Mosquitto can not cut connections');
    },
    [Symbol.asyncDispose]: dispose,
  };
}
