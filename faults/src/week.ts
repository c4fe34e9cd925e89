import { MqttSession } from './mqtt-session.js';
import { CLIENT_ID, WeekHouse } from './week-house.js';

/** A Monday morning. */
const BEGINS_AT = Date.UTC(2026, 10, 16, 8);
const HOUR = 60;
/** So many times faster passes a time in which nothing happens, and one in which the gateway is at work. */
const IDLE = 20_000;
const BUSY = 200;

/**
 * Runs the real daemon through a bad week, which takes some minutes, and resolves with its log. Everything around it is real and
 * is really broken; only the daemon's time passes faster while it waits.
 *
 * @throws {Error} this user may not mount a small disk, or something did not come to pass
 */
export async function logOfAWeek(): Promise<string> {
  await using house = await WeekHouse.open(BEGINS_AT);
  await monday(house);
  await tuesday(house);
  await wednesday(house);
  await thursday(house);
  await friday(house);
  await weekend(house);
  await house.end();
  return house.log;
}

/** The broker is away for three hours. */
async function monday(house: WeekHouse): Promise<void> {
  const { clock, broker, source } = house;
  source.emit(500);
  await clock.pass(6 * HOUR, IDLE);
  await broker.process.terminate();
  await clock.pass(182, 2 * BUSY, () => source.emit(180));
  await broker.process.start();
  await house.says('the backlog of');
}

/** For three quarters of an hour the broker ends and is started again, twice a minute. */
async function tuesday(house: WeekHouse): Promise<void> {
  const { clock, broker } = house;
  await clock.pass(11 * HOUR, IDLE);
  await clock.pass(45, BUSY / 4, async () => {
    await broker.process.kill();
    await broker.process.start();
  });
  await clock.pass(HOUR, BUSY);
  await clock.pass(22 * HOUR, IDLE);
}

/** The bus is started anew; in the afternoon somebody stops the event manager, and commands come. */
async function wednesday(house: WeekHouse): Promise<void> {
  const { clock, bus, manager, brokerPort } = house;
  await manager.kill();
  await bus.restart();
  await manager.start();
  await house.says('joined the bus');
  await clock.pass(7 * HOUR, IDLE);
  await using commander = new MqttSession({ port: brokerPort, clientId: 'commander' });
  await manager.terminate();
  await house.says('no event manager');
  for (let n = 0; n < 7; n++) commander.publish('site/hall/set/light', String(n), 1);
  await clock.pass(25, BUSY);
  await manager.start();
  await house.says('the backlog of 7 commands');
}

/** In the night the broker is away, and the disk is full. */
async function thursday(house: WeekHouse): Promise<void> {
  const { clock, broker, disk, source } = house;
  await clock.pass(11 * HOUR, IDLE);
  await broker.process.terminate();
  await disk.fill();
  await clock.pass(50, BUSY, () => source.emit(100));
  await disk.free();
  await clock.pass(10, BUSY / 4);
  await broker.process.start();
  await house.says('the backlog of');
}

/** The broker has another password, until somebody notices. */
async function friday(house: WeekHouse): Promise<void> {
  const { clock } = house;
  await clock.pass(31 * HOUR, IDLE);
  await house.replaceBroker({ user: { name: 'box', password: 'changed' } });
  await clock.pass(40, BUSY);
  await house.replaceBroker({ persistence: true });
  await clock.pass(10, BUSY);
  await house.says('connected to');
}

/** A copy of the box is tried out on Saturday, with its identifier; nothing happens on Sunday. */
async function weekend(house: WeekHouse): Promise<void> {
  const { clock, brokerPort } = house;
  await clock.pass(20 * HOUR, IDLE);
  {
    await using _copy = new MqttSession({ port: brokerPort, clientId: CLIENT_ID });
    await clock.pass(20, BUSY / 4);
  }
  await clock.pass(30, BUSY);
  await house.says('connected to');
  await clock.pass(40 * HOUR, IDLE);
}
