import { describe, expect, it } from 'vitest';
import { PACKET_IDENTIFIERS, PacketIdentifiers } from './packet-identifiers.js';

describe('packet identifiers', () => {
  it('go up in turn, beginning anew after the last, and leave out those in use', () => {
    const identifiers = new PacketIdentifiers();
    expect(identifiers.getLastAllocated()).toBeNull();
    for (let id = 1; id <= PACKET_IDENTIFIERS; id++) {
      expect(identifiers.allocate()).toBe(id);
      if (id !== 2) identifiers.deallocate(id);
    }
    expect([identifiers.allocate(), identifiers.allocate(), identifiers.getLastAllocated()]).toEqual([1, 3, 3]);
  });

  it('run out when all are in use, and not before', () => {
    const identifiers = new PacketIdentifiers();
    const all = new Set(Array.from({ length: PACKET_IDENTIFIERS }, () => identifiers.allocate()));
    expect(all.size).toBe(PACKET_IDENTIFIERS);
    expect(identifiers.allocate()).toBeNull();
    identifiers.deallocate(77);
    expect(identifiers.allocate()).toBe(77);
  });

  it('can be taken one by one, once, and go on where they were after all are given back', () => {
    const identifiers = new PacketIdentifiers();
    expect([identifiers.register(1), identifiers.register(1), identifiers.allocate()]).toEqual([true, false, 2]);
    identifiers.clear();
    expect(identifiers.allocate()).toBe(3);
  });
});
