import type { Gateway } from '@cstbox/mqtt-core';
import type { GatewayConfiguration } from './configuration.js';
import { CallRefused, DBUS_ERROR, type DBusInterface } from './dbus-interface.js';
import type { DBusLink } from './dbus-link.js';
import { gatewayInterface } from './gateway-interface.js';
import type { GatewayProgram } from './gateway-program.js';
import { RateSampler } from './rates.js';
import { type RateKey, type ReportParts, reportState, reportStatus } from './status-report.js';
import { Tails } from './tails.js';

/** What those who ask over D-Bus are told about. */
export interface GatewayDeskParts {
  readonly program: GatewayProgram;
  /** By which the gateway works now. */
  configuration(): GatewayConfiguration;
  /** The connection to D-Bus, where there is one to tell of. */
  link(): DBusLink | undefined;
}

/** Where others ask about a running gateway: keeps what their answers are made of. */
export class GatewayDesk {
  readonly interface: DBusInterface;

  readonly #parts: GatewayDeskParts;
  readonly #rates = new RateSampler<RateKey>(() => this.#totals);
  readonly #tails: Tails;
  #gateway: { readonly gateway: Gateway; readonly since: number } | undefined;

  constructor(parts: GatewayDeskParts) {
    this.#parts = parts;
    this.#tails = new Tails((observer) => this.#opened.gateway.observe(observer), parts.program.redact);
    this.interface = gatewayInterface({
      report: () => reportStatus(this.#reported),
      state: () => reportState(this.#reported),
      tails: this.#tails,
      program: parts.program,
    });
  }

  /** Answers from now on. */
  open(gateway: Gateway): void {
    this.#gateway = { gateway, since: Date.now() };
    this.#rates.start();
  }

  /** Ends all views. What is asked can still be answered. */
  close(): void {
    this.#tails.closeAll();
    this.#rates.stop();
  }

  get #opened(): { readonly gateway: Gateway; readonly since: number } {
    if (this.#gateway) return this.#gateway;
    throw new CallRefused(`${DBUS_ERROR}.Failed`, 'the gateway has not started yet');
  }

  get #reported(): ReportParts {
    const { program, configuration, link } = this.#parts;
    return { ...this.#opened, configuration: configuration(), link: link(), rates: this.#rates, program };
  }

  get #totals(): Readonly<Record<RateKey, number>> {
    const { out, in: into } = this.#opened.gateway.totals;
    return {
      outReceived: out.received,
      outForwarded: out.forwarded,
      inReceived: into.received,
      inForwarded: into.forwarded,
    };
  }
}
