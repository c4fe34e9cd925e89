import type {
  BusState,
  ConnectorStatus,
  Counts,
  DirectionCounts,
  Gateway,
  GatewayCounts,
  ReplyCounts,
} from '@cstbox/mqtt-core';
import type { GatewayConfiguration } from './configuration.js';
import type { DBusLink } from './dbus-link.js';
import type { GatewayProgram } from './gateway-program.js';
import type { RateSampler, Rates } from './rates.js';

/** Counts under a name. */
export interface NamedCounts extends Counts {
  readonly name: string;
}

/** The counts of one direction, of each filter in it, and of each rule that has decided anything. They add up, at one moment. */
export interface DirectionReport extends Counts {
  readonly filters: readonly NamedCounts[];
  readonly rules: readonly NamedCounts[];
}

/** A warning or an error of the log. */
export interface ReportedFault {
  /** In ms since the Epoch. */
  readonly time: number;
  readonly level: string;
  readonly component: string;
  readonly msg: string;
}

/** How the gateway is, at one moment. Every time is in ms since the Epoch. */
export interface StatusReport {
  /** The version of the program; left out where nobody says. */
  readonly version?: string;
  /** The moment. */
  readonly time: number;
  /** When it started. */
  readonly since: number;
  /** The file of the configuration that it works by; left out where there is none. */
  readonly configuration?: string;
  /** Whether it publishes nothing, and writes to the log what it would. */
  readonly simulate: boolean;
  readonly links: {
    /** The connection to D-Bus; left out where the gateway bridges another bus. */
    readonly bus?: { readonly state: BusState; readonly since: number; readonly address?: string };
    /** Whether events are heard and taken: of the bus as the gateway sees it. */
    readonly eventManager: { readonly state: BusState; readonly since: number };
    readonly broker: ConnectorStatus;
  };
  readonly outbox: {
    /** Messages that wait for the broker. */
    readonly waiting: number;
    /** Messages that are held back before it, since their rules throttle them. */
    readonly held: number;
    /** When the oldest of those that wait was put there; left out when none does. */
    readonly oldest?: number;
    /** What keeps it from keeping messages as it should; left out when all is well. */
    readonly fault?: string;
    readonly durability: string;
    /** Left out when it is in memory alone. */
    readonly directory?: string;
  };
  /** Commands that wait for the bus. */
  readonly commands: { readonly waiting: number };
  /** Per second: of events from the bus, and of messages from the broker. */
  readonly rates: {
    readonly out: { readonly received: Rates; readonly forwarded: Rates };
    readonly in: { readonly received: Rates; readonly forwarded: Rates };
  };
  readonly counts: { readonly out: DirectionReport; readonly in: DirectionReport; readonly replies: ReplyCounts };
  /** The last warnings and errors of the log, the oldest first. */
  readonly faults: readonly ReportedFault[];
}

/** What is quickly said: the report without counts, rates and log. */
export type GatewayState = Omit<StatusReport, 'rates' | 'counts' | 'faults'>;

/** What is counted for the rates. */
export type RateKey = 'outReceived' | 'outForwarded' | 'inReceived' | 'inForwarded';

/** What a report is made of. */
export interface ReportParts {
  readonly gateway: Gateway;
  readonly configuration: GatewayConfiguration;
  readonly since: number;
  readonly link: DBusLink | undefined;
  readonly rates: RateSampler<RateKey>;
  readonly program: GatewayProgram;
}

/** How the gateway is now, and what it has counted. */
export function reportStatus(parts: ReportParts): StatusReport {
  const { outReceived, outForwarded, inReceived, inForwarded } = parts.rates.rates;
  return {
    ...reportState(parts),
    rates: {
      out: { received: outReceived, forwarded: outForwarded },
      in: { received: inReceived, forwarded: inForwarded },
    },
    counts: countsOf(parts.gateway.counts),
    faults: [...(parts.program.faults ?? [])],
  };
}

/** How the gateway is now. */
export function reportState({ gateway, configuration, since, link, program }: ReportParts): GatewayState {
  const { version, configurationPath } = program;
  const { status } = gateway;
  const { oldest, fault, waiting, held } = status.outbox;
  const { durability = 'memory', directory } = program.outbox ?? configuration.outbox ?? {};
  return {
    ...(version !== undefined && { version }),
    time: Date.now(),
    since,
    ...(configurationPath !== undefined && { configuration: configurationPath }),
    simulate: configuration.simulate ?? false,
    links: {
      ...(link && { bus: linkState(link) }),
      eventManager: { state: status.bus, since: status.busSince },
      broker: status.broker,
    },
    outbox: {
      waiting,
      held,
      ...(oldest !== undefined && { oldest }),
      ...(fault !== undefined && { fault }),
      durability,
      ...(durability !== 'memory' && directory !== undefined && { directory }),
    },
    commands: status.commands,
  };
}

function linkState({ state, since, address }: DBusLink): NonNullable<StatusReport['links']['bus']> {
  return { state, since, ...(address !== undefined && { address }) };
}

function countsOf({ out, in: into, replies }: GatewayCounts): StatusReport['counts'] {
  return { out: directionOf(out), in: directionOf(into), replies };
}

/** In lists: a name that holds something secret can be left out of a text without a clash of keys. */
function directionOf({ filters, rules, ...sum }: DirectionCounts): DirectionReport {
  const named = (all: Readonly<Record<string, Counts>>) =>
    Object.entries(all).map(([name, counts]) => ({ name, ...counts }));
  return { ...sum, filters: named(filters), rules: named(rules) };
}
