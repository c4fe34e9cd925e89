/** How the daemon ends, as sysexits.h names it: `systemctl status` shows these names. */
export const ExitCode = Object.freeze({
  /** Stopped in order: by SIGTERM, SIGINT or terminate(). */
  OK: 0,
  /** `check --strict` has found something to warn of, `replay --against` a difference. */
  FINDINGS: 1,
  /** The command line is wrong. */
  USAGE: 64,
  /** The bus, the gateway or the broker that is asked is not there. */
  UNAVAILABLE: 69,
  /** A fault of the daemon itself. */
  SOFTWARE: 70,
  /** Another one runs: it has the name on the bus, or uses the outbox; or a file is there that is not to be overwritten. */
  CANTCREAT: 73,
  /** A file can't be read, or not be written as a whole. */
  IOERR: 74,
  /** The configuration is wrong, or the Node.js is too old (`cli.ts`). */
  CONFIG: 78,
  /** Ended by Ctrl-C before it was done, as shells count it. */
  INTERRUPTED: 130,
});
