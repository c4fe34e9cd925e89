/**
 * What every event bus, every outbox and every filter must do, as suites that any test runner can run:
 *
 *     for (const { name, run } of eventBusContract(openMyBus)) it(name, run);
 *
 * @module
 */
export type { ContractCase } from './testing/contract.js';
export { type EventBusUnderTest, eventBusContract } from './testing/event-bus-contract.js';
export { inboundFilterContract, outboundFilterContract } from './testing/filter-contract.js';
export { HOSTILE_NAMES } from './testing/hostile.js';
export { outboxContract } from './testing/outbox-contract.js';
export type { OutboxUnderTest } from './testing/tested-outbox.js';
