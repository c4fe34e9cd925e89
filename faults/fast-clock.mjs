// Loaded into the gateway before its own code: lets its time run faster than that of its peers, to live through a week in some
// minutes. The file that FAULTS_CLOCK names holds when its time begins, in ms since the Epoch, and how many times faster it runs from
// now on; SIGUSR2 says that it has changed. Short delays, which mostly wait for an answer of a peer, shrink by no more than
// SHORT_FACTOR: the peers live in true time.
import { readFileSync } from 'node:fs';

const SHORT_MS = 10_000;
const SHORT_FACTOR = 5;

const read = () => JSON.parse(readFileSync(process.env.FAULTS_CLOCK, 'utf8'));
const { setTimeout: later, clearTimeout: cancel } = globalThis;
const trueNow = performance.now.bind(performance);
const { beginsAt } = read();
let { factor } = read();
let [since, passed] = [trueNow(), 0];

/** How many ms of this time have passed. */
const now = () => passed + (trueNow() - since) * factor;
const timers = new Set();

class Timer {
  #delay;
  #action;
  #repeats;
  #due;
  #isRef = true;
  #true;

  constructor(action, delay, repeats) {
    this.#action = action;
    this.#delay = Math.max(1, Number(delay) || 0);
    this.#repeats = repeats;
    this.refresh();
  }

  refresh() {
    this.#due = now() + this.#delay;
    timers.add(this);
    this.arm();
    return this;
  }

  arm() {
    cancel(this.#true);
    const isShort = this.#delay <= SHORT_MS;
    const left = Math.max(0, this.#due - now());
    const wait = isShort ? Math.min(left, this.#delay) / Math.min(factor, SHORT_FACTOR) : left / factor;
    this.#true = later(() => this.#fire(), wait);
    if (!this.#isRef) this.#true.unref();
  }

  #fire() {
    if (!timers.has(this)) return;
    if (this.#repeats) this.refresh();
    else this.close();
    this.#action();
  }

  close() {
    timers.delete(this);
    cancel(this.#true);
    return this;
  }

  ref() {
    this.#isRef = true;
    this.#true.ref();
    return this;
  }

  unref() {
    this.#isRef = false;
    this.#true.unref();
    return this;
  }

  hasRef() {
    return this.#isRef;
  }
}

process.on('SIGUSR2', () => {
  [passed, since, factor] = [now(), trueNow(), read().factor];
  for (const timer of timers) timer.arm();
});
performance.now = now;
Date.now = () => Math.floor(beginsAt + now());
globalThis.Date = new Proxy(Date, {
  construct: (target, args, newTarget) =>
    Reflect.construct(target, args.length === 0 ? [target.now()] : args, newTarget),
});
globalThis.setTimeout = (action, delay, ...args) => new Timer(() => action(...args), delay, false);
globalThis.setInterval = (action, delay, ...args) => new Timer(() => action(...args), delay, true);
const stop = (timer) => (timer instanceof Timer ? timer.close() : cancel(timer));
globalThis.clearTimeout = stop;
globalThis.clearInterval = stop;
