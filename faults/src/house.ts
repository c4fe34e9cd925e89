import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Broker, type Bus, PeerProcess, startBroker, startBus, TcpProxy, waitFor } from '@cstbox/test-peers';
import { gatewayConfiguration } from './configuration.js';
import { EventSource } from './event-source.js';
import { DAEMON, GatewayProcess } from './gateway.js';
import { MqttSession } from './mqtt-session.js';
import { COMMAND_ROOMS, EVENT_TOPIC, readContent } from './names.js';
import type { Setting } from './schedule.js';
import { SmallDisk } from './small-disk.js';
import { WireLog } from './wire-log.js';
import { type Arrival, Witness } from './witness.js';

export interface HouseOptions {
  readonly setting: Setting;
  /** Put the outbox on a disk that can be filled. */
  readonly wantsSmallDisk: boolean;
  readonly onLine: (line: string) => void;
  readonly onProblem: (problem: string) => void;
}

/** A command that was given to the broker. */
export interface Command {
  readonly number: number;
  readonly variable: string;
}

/**
 * A bus with an event manager, a broker, the gateway between them, and whoever sends and watches: all that a run needs. What
 * is broken is broken by its user.
 */
export class House implements AsyncDisposable {
  /** Events that came to the subscriber, doubled ones too, in order. */
  readonly arrivals: Arrival[] = [];
  readonly commands: Command[] = [];
  readonly brokerKillsMs: number[] = [];
  readonly busKillsMs: number[] = [];
  readonly wire = new WireLog();
  disk: SmallDisk | undefined;
  outboxDirectory = '';
  bus!: Bus;
  manager!: PeerProcess;
  broker!: Broker;
  proxy!: TcpProxy;
  witness!: Witness;
  source!: EventSource;
  gateway!: GatewayProcess;
  #subscriber!: MqttSession;
  #commander!: MqttSession;
  readonly #opened: AsyncDisposable[] = [];

  private constructor() {}

  /** Opens the house; resolves when events and commands can cross. */
  static async open(options: HouseOptions): Promise<House> {
    const house = new House();
    try {
      await house.#open(options);
      return house;
    } catch (error) {
      await house[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** Publishes so many commands. */
  command(count: number): void {
    for (let i = 0; i < count; i++) {
      const number = this.commands.length + 1;
      this.#publishCommand(number);
      this.commands.push({ number, variable: `dim:${roomOf(number)}` });
    }
  }

  /** How many commands the broker has not taken yet. */
  get untakenCommands(): number {
    return this.#commander.unacknowledged;
  }

  /** Starts the bus again where it does not run, and then, in an order that leaves nothing unseen, the event manager. */
  async startBus(): Promise<void> {
    await this.bus.process.start();
    await waitFor('the witness to join the bus', () => this.witness.isAttached, 15_000);
    await this.manager.start();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const each of this.#opened.splice(0).reverse()) await each[Symbol.asyncDispose]();
  }

  async #open({ setting, wantsSmallDisk, onLine, onProblem }: HouseOptions): Promise<void> {
    const directory = await mkdtemp(join(tmpdir(), 'mqttgwd-faults-'));
    this.#keep({ [Symbol.asyncDispose]: () => rm(directory, { recursive: true, force: true }) });
    this.outboxDirectory = join(directory, 'outbox');
    await mkdir(this.outboxDirectory);
    if (wantsSmallDisk) {
      this.disk = await SmallDisk.mount(this.outboxDirectory);
      if (this.disk) this.#keep(this.disk);
    }
    this.bus = this.#keep(await startBus());
    const busPath = this.bus.address.replace(/^unix:path=/, '');
    this.witness = this.#keep(new Witness(busPath));
    this.manager = this.#keep(this.#createManager());
    this.broker = this.#keep(await startBroker({ kind: 'mosquitto', persistence: true }));
    await this.startBus();
    this.proxy = this.#keep(await TcpProxy.start(this.broker.port, this.wire));
    this.source = this.#keep(new EventSource(busPath));
    this.#subscriber = this.#keep(
      new MqttSession({
        port: this.broker.port,
        clientId: 'subscriber',
        topicFilter: 'site/+/temperature',
        onPublish: (topic, payload) => this.#onEvent(topic, payload),
      }),
    );
    this.#commander = this.#keep(new MqttSession({ port: this.broker.port, clientId: 'commander' }));
    await waitFor('the subscription', () => this.#subscriber.isReady, 15_000);

    const configuration = join(directory, 'gateway.json');
    const places = { brokerPort: this.proxy.port, outboxDirectory: this.outboxDirectory };
    await writeFile(configuration, JSON.stringify(gatewayConfiguration(setting, places), undefined, 2));
    this.gateway = this.#keep(
      new GatewayProcess({
        configuration,
        busAddress: this.bus.address,
        clock: join(directory, 'clock'),
        onStart: ({ number }) => {
          this.witness.life = number;
        },
        onEnd: () => this.witness.gatewayEnds(),
        onLine,
        onProblem,
      }),
    );
    await this.gateway.start();
    await waitFor('the gateway on the bus', () => this.witness.seesGateway, 15_000);
    await waitFor('a first command', () => this.#probe(), 15_000);
  }

  #keep<T extends AsyncDisposable>(resource: T): T {
    this.#opened.push(resource);
    return resource;
  }

  #createManager(): PeerProcess {
    return new PeerProcess({
      name: 'the event manager',
      command: process.execPath,
      args: [DAEMON, 'event-manager'],
      options: { env: { ...process.env, DBUS_SESSION_BUS_ADDRESS: this.bus.address }, stdio: 'ignore' },
      isReady: () => this.witness.seesManager,
    });
  }

  /** Commands with number 0 are no part of any count: they show that commands come through. */
  async #probe(): Promise<boolean> {
    this.#publishCommand(0);
    await new Promise((resolve) => setTimeout(resolve, 50));
    return this.witness.commands.some(({ number }) => number === 0);
  }

  #publishCommand(number: number): void {
    const room = roomOf(number);
    this.#commander.publish(`site/${room}/set/dim`, `{"value":${number}}`, room === 'q1' ? 1 : 2);
  }

  #onEvent(topic: string, payload: string): void {
    const room = EVENT_TOPIC.exec(topic)?.[1];
    const content = readContent(payload);
    if (room === undefined || !content) return;
    const { number, timestamp } = content;
    this.arrivals.push({ number, timestamp, variable: `temperature:room${room}`, atMs: performance.now() });
  }
}

function roomOf(command: number): (typeof COMMAND_ROOMS)[number] {
  return COMMAND_ROOMS[command % COMMAND_ROOMS.length] as (typeof COMMAND_ROOMS)[number];
}
