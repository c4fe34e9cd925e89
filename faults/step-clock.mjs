// Loaded into the gateway before its own code: steps its clock, as an NTP client does on a box without one. The file that
// FAULTS_CLOCK names holds by how many ms; SIGUSR2 says that it has changed.
import { readFileSync } from 'node:fs';

const read = () => Number(readFileSync(process.env.FAULTS_CLOCK, 'utf8'));
const now = Date.now;
let offsetMs = read();

process.on('SIGUSR2', () => {
  offsetMs = read();
});
Date.now = () => now() + offsetMs;
globalThis.Date = new Proxy(Date, {
  construct: (target, args, newTarget) =>
    Reflect.construct(target, args.length === 0 ? [target.now()] : args, newTarget),
});
