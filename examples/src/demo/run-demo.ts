import { MQTTGatewayServiceObject } from '@cstbox/dbus-bus';
import { formatCounts, type Gateway, type Logger, type TimedEvent } from '@cstbox/mqtt-core';
import { loadGateway } from '@cstbox/mqttgwd';
import { dbusDaemonMissing, startBroker } from '@cstbox/test-peers';
import { type Passage, passagesOf } from './crossing-line.js';
import { startHouse } from './house.js';
import { inMemory } from './in-memory.js';
import { onDBus } from './on-dbus.js';
import { pause } from './pause.js';
import type { Stage } from './stage.js';
import { startVisitor } from './visitor.js';
import { commandLine, welcome } from './welcome.js';

const REMINDER_LINES = 40;

/** What the demo is given by whoever starts it. */
export interface DemoOptions {
  /** The configuration of the gateway; its broker is replaced by the embedded one. */
  configurationPath: string;
  /** Ends the demo when so many events have reached the broker. Default: it goes on. */
  events?: number | undefined;
  /** Ends the demo in order. */
  signal: AbortSignal;
  /** Takes text for the visitor. */
  print: (text: string) => void;
  /** Shows what crosses the gateway. */
  show: (passage: Passage) => void;
  /** Shows an event that no rule lets out. */
  showStaying: (channel: string, event: TimedEvent) => void;
  /** Makes the logger of a component. */
  logger: (component: string) => Logger;
}

/** Runs the gateway between embedded peers, until it is told to stop. */
export async function runDemo(options: DemoOptions): Promise<void> {
  const missing = dbusDaemonMissing();
  if (!missing) return onDBus(options.logger, (stage) => playOn(stage, options));
  options.print(`${missing}; going on without D-Bus\n`);
  await inMemory((stage) => playOn(stage, options));
}

async function playOn(
  stage: Stage,
  { configurationPath, events = Number.POSITIVE_INFINITY, signal, print, show, showStaying, logger }: DemoOptions,
): Promise<void> {
  await using broker = await startBroker();
  const { configuration, inbound, outbound } = await loadGateway(configurationPath, {
    logger,
    environment: process.env,
  });
  const { host, port } = broker;
  const embedded = { ...configuration, broker: { ...configuration.broker, host, port } };

  let service!: MQTTGatewayServiceObject;
  await using running = await stage.run((bus) => {
    service = new MQTTGatewayServiceObject(embedded, inbound, outbound, { bus, logger });
    return service;
  });
  const gateway = service.gateway as Gateway;
  print(`${welcome(broker, stage, configurationPath)}\n`);
  let shown = 0;
  gateway.observe((crossing) => {
    if (crossing.direction === 'out' && crossing.outcome === 'filtered') showStaying(crossing.channel, crossing.event);
    for (const passage of passagesOf(crossing)) {
      show(passage);
      shown++;
      // By then the welcome has left the screen.
      if (shown % REMINDER_LINES === 0) print(`\nJoin in: ${commandLine(broker)}\n\n`);
    }
  });

  const ending = AbortSignal.any([signal, whenSettled(running.closed)]);
  const reached = (count: number) => until(() => gateway.counts.out.forwarded >= count, ending);
  {
    await using _house = await startHouse(stage.devices);
    // From the first event on, the gateway hears the broker too.
    await reached(1);
    await using _visitor = await startVisitor(broker.url);
    await reached(events);
  }
  await running.stop();
  const { out, in: into } = gateway.counts;
  print(`\nbus to MQTT: ${formatCounts(out)}\nMQTT to bus: ${formatCounts(into)}\n`);
}

function whenSettled(promise: Promise<unknown>): AbortSignal {
  const controller = new AbortController();
  void promise.then(() => controller.abort());
  return controller.signal;
}

async function until(condition: () => boolean, signal: AbortSignal): Promise<void> {
  while (!signal.aborted && !condition()) await pause(20, signal);
}
