/** What a fault takes hold of. Two faults never hold the same thing at the same time. */
export type Target = 'gateway' | 'broker' | 'link' | 'bus' | 'disk';

/** A kind of fault: what it holds, for how long, and how strong it is. */
export interface FaultKind {
  readonly targets: readonly Target[];
  /** How long it lasts, in ms; what it takes to start a process again comes on top. */
  readonly durationMs: readonly [min: number, max: number];
  /** What the number means that goes with it, and its bounds. */
  readonly amount?: { readonly unit: string; readonly bounds: readonly [min: number, max: number] };
  /** Needs an outbox that has a directory. */
  readonly needsStore?: true;
  readonly says: string;
}

/** Every fault that the suite knows. Ages and sizes fit a run of a few seconds. */
export const FAULT_KINDS = {
  gatewayKill: { targets: ['gateway'], durationMs: [0, 300], says: 'kill -9 of the gateway, and start' },
  gatewayTerm: { targets: ['gateway'], durationMs: [0, 300], says: 'SIGTERM to the gateway, and start' },
  gatewayStop: { targets: ['gateway'], durationMs: [200, 1_500], says: 'SIGSTOP of the gateway' },
  brokerKill: { targets: ['broker'], durationMs: [0, 800], says: 'kill -9 of the broker, and start' },
  brokerStop: { targets: ['broker'], durationMs: [200, 2_000], says: 'SIGSTOP of the broker' },
  brokerSilent: { targets: ['link'], durationMs: [300, 1_800], says: 'accepts TCP and says nothing' },
  proxyRefuse: { targets: ['link'], durationMs: [100, 1_200], says: 'cut, and refused for a while' },
  proxyCut: { targets: ['link'], durationMs: [0, 0], says: 'every connection cut' },
  proxyDelay: {
    targets: ['link'],
    durationMs: [300, 1_200],
    amount: { unit: 'ms', bounds: [5, 150] },
    says: 'slow in both directions',
  },
  proxyThrottle: {
    targets: ['link'],
    durationMs: [300, 1_200],
    amount: { unit: 'bytes/s', bounds: [2_000, 40_000] },
    says: 'few bytes per second',
  },
  proxyCutAfter: {
    targets: ['link'],
    durationMs: [200, 800],
    amount: { unit: 'bytes', bounds: [1, 20_000] },
    says: 'cut in the middle of a packet',
  },
  busKill: { targets: ['bus'], durationMs: [0, 600], says: 'kill -9 of dbus-daemon, and start' },
  busStop: { targets: ['bus'], durationMs: [200, 1_500], says: 'SIGSTOP of dbus-daemon' },
  managerRestart: { targets: ['bus'], durationMs: [0, 300], says: 'the event manager killed in a burst, and started' },
  diskFull: { targets: ['disk'], durationMs: [300, 1_200], needsStore: true, says: 'not a byte free for the outbox' },
  storeTruncate: {
    targets: ['gateway', 'link', 'disk'],
    durationMs: [300, 700],
    amount: { unit: '% kept', bounds: [0, 95] },
    needsStore: true,
    says: 'a file of the store cut short while the gateway is down with a backlog',
  },
  storeFlip: {
    targets: ['gateway', 'link', 'disk'],
    durationMs: [300, 700],
    amount: { unit: 'bits', bounds: [1, 8] },
    needsStore: true,
    says: 'bits of a file of the store flipped while the gateway is down with a backlog',
  },
  clockStep: {
    targets: [],
    durationMs: [200, 1_500],
    amount: { unit: 's', bounds: [-90_000, 90_000] },
    says: "the gateway's clock stepped, and back",
  },
} as const satisfies Record<string, FaultKind>;

export type FaultName = keyof typeof FAULT_KINDS;

export const faultNames = Object.keys(FAULT_KINDS) as FaultName[];

/** The kind, by its name, in the type that they have in common. */
export function faultKind(name: FaultName): FaultKind {
  return FAULT_KINDS[name];
}
