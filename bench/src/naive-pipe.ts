/**
 * The reference: the few lines that one would write first, dbus-next on one side and MQTT.js on the other. No filter,
 * no reconnection, no bound on its queue, no accounting: what a gateway costs beyond this is what its features cost.
 *
 * usage: naive-pipe PORT QOS, with DBUS_SESSION_BUS_ADDRESS in the environment
 */
import dbus from 'dbus-next';
import { connectAsync } from 'mqtt';
import { EVENT_MANAGER } from './event-frames.js';

const [port = 1883, qos = 0] = process.argv.slice(2).map(Number);

/**
 * Messages in flight, just enough not to lose any: MQTT.js collapses under QoS 0 without a bound, wraps its packet
 * identifiers under QoS 1, and does not heed the broker's receive quota (Mosquitto: 20) under QoS 2.
 */
const WINDOW = [100, 1000, 20][qos] as number;

const client = await connectAsync({ host: '127.0.0.1', port, clientId: 'naive-pipe', reconnectPeriod: 0 });
const bus = dbus.sessionBus();
const queue: dbus.Message[] = [];
let head = 0;
let inFlight = 0;
let pumping = false;

function pump(): void {
  // QoS 0 may call back at once.
  if (pumping) return;
  pumping = true;
  while (inFlight < WINDOW && head < queue.length) {
    const [timestamp, type, name, data] = (queue[head++] as dbus.Message).body as [bigint, string, string, string];
    const payload = `{"timestamp":${timestamp},"var_type":"${type}","var_name":"${name}","data":${data}}`;
    inFlight++;
    client.publish(`site/${name}/${type}`, payload, { qos: qos as 0 | 1 | 2 }, (error) => {
      if (error) throw error;
      inFlight--;
      pump();
    });
  }
  if (head === queue.length || head > 1000) {
    queue.splice(0, head);
    head = 0;
  }
  pumping = false;
}

bus.on('message', (message: dbus.Message) => {
  if (message.interface !== EVENT_MANAGER || message.member !== 'onCSTBoxEvent') return;
  queue.push(message);
  pump();
});
await bus.call(
  new dbus.Message({
    destination: 'org.freedesktop.DBus',
    path: '/org/freedesktop/DBus',
    interface: 'org.freedesktop.DBus',
    member: 'AddMatch',
    signature: 's',
    body: [`type='signal',sender='${EVENT_MANAGER}',interface='${EVENT_MANAGER}',member='onCSTBoxEvent'`],
  }),
);
process.on('SIGTERM', () => process.exit());
