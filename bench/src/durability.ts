import type { GatewayName, Qos } from './gateways.js';

/** What the gateway promises of its backlog; see its documentation. */
export const durabilities = ['memory', 'spill', 'always'] as const;
export type Durability = (typeof durabilities)[number];

/** What is measured: a line of the table. */
export interface Subject {
  gateway: GatewayName;
  /** Undefined for a gateway that has no outbox. */
  durability: Durability | undefined;
  qos: Qos;
}

/** How a subject is called in messages. */
export function nameOf({ gateway, durability, qos }: Subject): string {
  return [gateway, ...(durability === undefined ? [] : [durability]), `QoS ${qos}`].join(', ');
}
