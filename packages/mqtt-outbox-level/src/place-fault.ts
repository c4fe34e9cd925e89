import { describeError } from '@cstbox/mqtt-core';

/** The store was written by a later version of this package. */
export class NewerFormatError extends Error {}

/** The disk has not done what it was asked to, and has not refused it either. */
export class StalledError extends Error {
  constructor(afterMs: number) {
    super(`the disk has not answered for ${afterMs / 1_000} s: look after it, or the network to it`);
  }
}

/** What to do about a place that can't be used, by what the operating system says of it. */
const REMEDIES: readonly (readonly [RegExp, string])[] = [
  [/no space left|ENOSPC/i, 'the file system is full: free some space'],
  [/quota exceeded|EDQUOT/i, "the user's quota is used up: free some space or raise it"],
  [/file too large|EFBIG/i, 'a limit on the size of files is reached: raise it (ulimit -f, LimitFSIZE=)'],
  [/read-only file system|EROFS/i, 'the file system is read-only: mount it for writing'],
  [
    /permission denied|operation not permitted|EACCES|EPERM/i,
    'it may not be written: let the user of this process own it',
  ],
  [/not a directory|ENOTDIR|EEXIST|file exists/i, 'something that is no directory is in its way: move it'],
  [/too many open files|EMFILE|ENFILE/i, 'too many files are open: raise the limit (ulimit -n, LimitNOFILE=)'],
  [/cannot allocate memory|ENOMEM/i, 'no memory is left'],
];

/** All that an error says, and the errors that caused it. */
export function wholeStory(error: unknown): string {
  const cause = error instanceof Error ? error.cause : undefined;
  return cause === undefined ? describeError(error) : `${describeError(error)}: ${wholeStory(cause)}`;
}

/** What to do, when it is the place that is at fault and not what is stored in it. */
export function remedyFor(error: unknown): string | undefined {
  const story = wholeStory(error);
  return REMEDIES.find(([pattern]) => pattern.test(story))?.[1];
}

/** Whether somebody else has the store open. LevelDB says the same of a lock file that it can't make. */
export function isLocked(error: unknown): boolean {
  return /already held|temporarily unavailable|being used by another process/i.test(wholeStory(error));
}

/** Whether LevelDB says that what is stored is not as it should be. */
export function isDamage(error: unknown): boolean {
  const isOfStore = /corruption: |IO error: |not ?found: |invalid argument: /i.test(wholeStory(error));
  return isOfStore && !isLocked(error) && remedyFor(error) === undefined;
}

/** Somebody else uses the directory. */
export function lockedBy(directory: string): string {
  return `another process keeps messages in ${directory}: stop it, or choose another directory`;
}

/** Why messages can't be kept, for an operator. */
export function describeFault(error: unknown, directory: string): string {
  if (error instanceof NewerFormatError) return `${error.message}; until then messages wait in memory only`;
  const words = isLocked(error)
    ? lockedBy(directory)
    : `can't keep messages in ${directory}: ${remedyFor(error) ?? wholeStory(error)}`;
  return `${words}; until then messages wait in memory only`;
}
