/** A file that can't be written or read as a command needs it; the message says what to do. */
export class FileFailure extends Error {
  override readonly name = 'FileFailure';

  /** @param isThere it is there, and must not be overwritten */
  constructor(
    message: string,
    readonly isThere = false,
  ) {
    super(message);
  }
}
