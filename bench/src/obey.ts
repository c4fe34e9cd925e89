/** What a child program can be told to do: asynchronous functions of at most one argument. */
// biome-ignore lint/suspicious/noExplicitAny: an argument is whatever each order says
export type Orders<T> = { [K in keyof T]: (argument: any) => Promise<unknown> };

/** What goes to a child program. */
export interface Order {
  id: number;
  name: string;
  argument: unknown;
}

/** What comes back. */
export interface Answer {
  id: number;
  result?: unknown;
  error?: string;
}

/** Obeys the orders that a `Program` in the bench's process gives, until the bench is gone. */
export function obey<T extends Orders<T>>(orders: T): void {
  // Ctrl-C reaches the whole process group; the bench then ends its programs in its own order.
  process.on('SIGINT', () => {});
  process.on('disconnect', () => process.exit());
  process.on('message', ({ id, name, argument }: Order) => {
    const answer = (answer: Omit<Answer, 'id'>) => process.send?.({ id, ...answer });
    orders[name as keyof T](argument).then(
      (result) => answer({ result }),
      (error: Error) => answer({ error: error.message }),
    );
  });
}
