const SMALLEST = 1 << 8;
/** What is kept from one text to the next, in slots of twelve bytes. */
const KEPT = 1 << 12;

/** Which instructions were tried at which places, as a hash table that is reused from text to text. */
export class Visited {
  #instructions = new Int32Array(SMALLEST);
  #places = new Int32Array(SMALLEST);
  /** Which run of the matcher came by. What is below the first run of the text is from an earlier one: a free slot. */
  #runs = new Int32Array(SMALLEST);
  #first = 1;
  #last = 0;
  #used = 0;

  /** Forgets everything. */
  clear(): void {
    if (this.#runs.length > KEPT || this.#last > 0x3fffffff) {
      this.#allocate(SMALLEST);
      this.#last = 0;
    }
    this.#first = this.#last + 1;
    this.#used = 0;
  }

  /** A number for a run that has tried nothing yet. */
  newRun(): number {
    return ++this.#last;
  }

  /** Whether it is the first time that a run tries an instruction at a place. */
  isFirst(instruction: number, place: number, run: number): boolean {
    const mask = this.#runs.length - 1;
    let slot = hash(instruction, place) & mask;
    for (;;) {
      const found = this.#runs[slot] as number;
      if (found < this.#first) break;
      if (this.#places[slot] === place && this.#instructions[slot] === instruction) {
        this.#runs[slot] = run;
        return found !== run;
      }
      slot = (slot + 1) & mask;
    }
    this.#instructions[slot] = instruction;
    this.#places[slot] = place;
    this.#runs[slot] = run;
    this.#used++;
    if (this.#used > mask >> 1) this.#grow();
    return true;
  }

  #grow(): void {
    const [instructions, places, runs] = [this.#instructions, this.#places, this.#runs];
    this.#allocate(runs.length * 2);
    const mask = this.#runs.length - 1;
    for (const [old, run] of runs.entries()) {
      if (run < this.#first) continue;
      const [instruction, place] = [instructions[old] as number, places[old] as number];
      let slot = hash(instruction, place) & mask;
      while (this.#runs[slot] !== 0) slot = (slot + 1) & mask;
      this.#instructions[slot] = instruction;
      this.#places[slot] = place;
      this.#runs[slot] = run;
    }
  }

  #allocate(slots: number): void {
    this.#instructions = new Int32Array(slots);
    this.#places = new Int32Array(slots);
    this.#runs = new Int32Array(slots);
  }
}

/** Fibonacci hashing, mixed so that the low bits depend on all (Knuth, The Art of Computer Programming, 6.4). */
function hash(instruction: number, place: number): number {
  const mixed = Math.imul(instruction, 0x9e3779b1) ^ Math.imul(place, 0x85ebca6b);
  return mixed ^ (mixed >>> 15);
}
