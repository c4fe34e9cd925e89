/** One thing that must hold. Rejects when it does not. */
export interface ContractCase {
  readonly name: string;
  run(): Promise<void>;
}

export function contractCase(name: string, run: () => Promise<void>): ContractCase {
  return { name, run };
}

/** A text as a failed assertion shows it. */
export function shown(text: string): string {
  return JSON.stringify(text.slice(0, 40));
}
