import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  type Broker,
  type BrokerOptions,
  type Bus,
  PeerProcess,
  startBroker,
  startBus,
  stopProcess,
  waitFor,
} from '@cstbox/test-peers';
import { EventSource } from './event-source.js';
import { DAEMON } from './gateway.js';
import { SmallDisk } from './small-disk.js';
import { WeekClock } from './week-clock.js';

const FAST_CLOCK = fileURLToPath(new URL('../fast-clock.mjs', import.meta.url));
/** The identifier of the gateway at the broker. */
export const CLIENT_ID = 'box-17';

/** The daemon, whose time can pass faster, and all that it needs; its log, as it is printed. */
export class WeekHouse implements AsyncDisposable {
  log = '';
  clock!: WeekClock;
  bus!: Bus;
  manager!: PeerProcess;
  source!: EventSource;
  disk!: SmallDisk;
  brokerPort = 0;
  broker!: Broker;
  #daemon!: ChildProcess;
  /** Up to here the log is known. */
  #read = 0;
  readonly #opened: AsyncDisposable[] = [];

  private constructor() {}

  /**
   * @param beginsAt in ms since the Epoch
   * @throws {Error} this user may not mount a small disk
   */
  static async open(beginsAt: number): Promise<WeekHouse> {
    const house = new WeekHouse();
    try {
      await house.#open(beginsAt);
      return house;
    } catch (error) {
      await house[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** Waits until the log says so, behind what it was waited for before. */
  async says(text: string): Promise<void> {
    const find = () => this.log.indexOf(text, this.#read);
    await waitFor(`'${text}'`, () => find() >= 0, 60_000).catch((error: Error) => {
      throw new Error(`${error.message} in\n${this.log}`);
    });
    this.#read = find() + text.length;
  }

  /** Another broker in the place of the present one: it has forgotten everything, and may be set up in another way. */
  async replaceBroker(options: BrokerOptions = {}): Promise<void> {
    await this.broker[Symbol.asyncDispose]();
    this.broker = await startBroker({ kind: 'mosquitto', port: this.brokerPort, ...options });
  }

  /** Ends the daemon in order. */
  async end(): Promise<void> {
    const closed = once(this.#daemon, 'close');
    this.#daemon.kill('SIGTERM');
    await closed;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const each of this.#opened.splice(0).reverse()) await each[Symbol.asyncDispose]();
  }

  async #open(beginsAt: number): Promise<void> {
    const directory = await mkdtemp(join(tmpdir(), 'mqttgwd-week-'));
    this.#keep({ [Symbol.asyncDispose]: () => rm(directory, { recursive: true, force: true }) });
    const outbox = join(directory, 'outbox');
    await mkdir(outbox);
    const disk = await SmallDisk.mount(outbox);
    if (!disk) throw new Error('a week has a full disk in it, and this user may not mount one');
    this.disk = this.#keep(disk);
    this.bus = this.#keep(await startBus());
    this.manager = this.#keep(managerOn(this.bus.address));
    await this.manager.start();
    this.source = this.#keep(new EventSource(this.bus.address.replace(/^unix:path=/, '')));
    this.broker = await startBroker({ kind: 'mosquitto', persistence: true });
    this.#keep({ [Symbol.asyncDispose]: () => this.broker[Symbol.asyncDispose]() });
    this.brokerPort = this.broker.port;
    const configuration = join(directory, 'gateway.json');
    await writeFile(configuration, JSON.stringify(configured(this.brokerPort, outbox)), { mode: 0o600 });
    const clock = join(directory, 'clock');
    this.clock = new WeekClock(clock, beginsAt, () => this.#daemon.kill('SIGUSR2'));
    const args = ['--import', FAST_CLOCK, DAEMON, '--log-format', 'human', '-c', configuration];
    const child = spawn(process.execPath, args, {
      env: { ...process.env, TZ: 'UTC', DBUS_SESSION_BUS_ADDRESS: this.bus.address, FAULTS_CLOCK: clock },
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    this.#daemon = child;
    this.#keep({ [Symbol.asyncDispose]: () => stopProcess(child) });
    child.stderr.on('data', (chunk: Buffer) => {
      this.log += chunk;
    });
    await this.says('subscribed to');
  }

  #keep<T extends AsyncDisposable>(resource: T): T {
    this.#opened.push(resource);
    return resource;
  }
}

function managerOn(busAddress: string): PeerProcess {
  let isRunning = false;
  return new PeerProcess({
    name: 'the event manager',
    command: process.execPath,
    args: [DAEMON, 'event-manager', '--log-format', 'human'],
    options: { env: { ...process.env, DBUS_SESSION_BUS_ADDRESS: busAddress }, stdio: ['ignore', 'ignore', 'pipe'] },
    onSpawn(child) {
      isRunning = false;
      child.stderr?.on('data', (chunk: Buffer) => {
        isRunning ||= chunk.includes('running');
      });
    },
    isReady: () => isRunning,
  });
}

/** As on any box, without what would seem to come late in a time that passes so fast. */
function configured(port: number, directory: string): object {
  const use = '@cstbox/mqtt-filters-re';
  return {
    broker: { host: '127.0.0.1', port, client_id: CLIENT_ID, keep_alive: 0 },
    auth: { username: 'box', password: 'as it was' },
    listened_topics: ['site/+/set/#'],
    outbox: { directory },
    filter_timeout: 3_600,
    filters: {
      outbound: { use, rules: [['temperature:(?P<room>[a-z0-9]+)$', 'site/{room}/temperature']] },
      inbound: { use, rules: [['site/(?P<room>[a-z0-9]+)/set/light$', [['switch', '{room}_light']]]] },
    },
  };
}
