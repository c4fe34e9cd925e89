import type { IClientOptions } from 'mqtt';

/** How many packet identifiers are used, of the 65,535 that MQTT has: few enough to release all after a restart. */
export const PACKET_IDENTIFIERS = 8_192;

/**
 * Gives out packet identifiers in turn, leaving out those in use. So their order is the order of sending, except where the
 * turn begins anew, and what an earlier process left in a session can be released in its order.
 */
export class PacketIdentifiers implements NonNullable<IClientOptions['messageIdProvider']> {
  readonly #inUse = new Set<number>();
  #last = 0;

  allocate(): number | null {
    if (this.#inUse.size >= PACKET_IDENTIFIERS) return null;
    do {
      this.#last = (this.#last % PACKET_IDENTIFIERS) + 1;
    } while (this.#inUse.has(this.#last));
    this.#inUse.add(this.#last);
    return this.#last;
  }

  getLastAllocated(): number | null {
    return this.#last === 0 ? null : this.#last;
  }

  /** Takes a certain one. Returns whether it was free. */
  register(identifier: number): boolean {
    if (this.#inUse.has(identifier)) return false;
    this.#inUse.add(identifier);
    return true;
  }

  deallocate(identifier: number): void {
    this.#inUse.delete(identifier);
  }

  clear(): void {
    this.#inUse.clear();
  }
}
