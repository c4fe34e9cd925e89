/** An argument of a method or a signal, as introspection shows it. */
export interface DBusArgument {
  readonly name: string;
  readonly type: string;
}

/** Who calls a method. */
export interface DBusCaller {
  /** Its unique name on the bus, such as `:1.42`. */
  readonly name: string;
  /**
   * Calls back when the caller has left the bus, until the returned function is called. Not when the bus itself is lost:
   * then nobody knows.
   */
  onGone(callback: () => void): () => void;
}

/** A method that others may call. */
export interface DBusMethod {
  readonly in: readonly DBusArgument[];
  /** The signature of what `handle` returns. */
  readonly replySignature: string;
  /** What introspection says of the reply; the original event manager, for one, says nothing. */
  readonly out: readonly DBusArgument[];
  /**
   * Returns the reply's arguments, or a promise of them: the call is answered when it settles. What it throws goes back to
   * the caller as a message, without a stack; a {@link CallRefused} also decides the error's name.
   */
  handle(body: readonly unknown[], caller: DBusCaller): readonly unknown[] | Promise<readonly unknown[]>;
}

/** A property that others may read. Nobody can set it. */
export interface DBusProperty {
  readonly type: string;
  /** Whether it stays as it is while the object lives. Default: false; no signal tells of a change. */
  readonly isConstant?: boolean;
  read(): unknown;
}

/** An interface of an object on the bus. */
export interface DBusInterface {
  readonly name: string;
  readonly methods: Readonly<Record<string, DBusMethod>>;
  readonly signals: Readonly<Record<string, readonly DBusArgument[]>>;
  readonly properties?: Readonly<Record<string, DBusProperty>>;
}

/** What the names of the bus's own errors start with. */
export const DBUS_ERROR = 'org.freedesktop.DBus.Error';

/** A call is answered with an error of this name. */
export class CallRefused extends Error {
  constructor(
    readonly errorName: string,
    message: string,
  ) {
    super(message);
  }
}
