import { randomUUID } from 'node:crypto';
import type { Logger } from '@cstbox/mqtt-core';
import type { LoadedGateway } from '../load-gateway.js';
import { version } from '../version.js';
import { Recorder, sourcesOf } from './recorder.js';
import { type RecordingCounts, RecordingFiles } from './recording-files.js';
import { FORMAT_VERSION, type RecordedLine, type RecordingHeader } from './recording-format.js';
import { redactedLine } from './redacted-line.js';

/** How something is recorded. */
export interface RecordOptions {
  /** The file; see `RecordingFiles`. */
  readonly path: string;
  readonly maxBytes: number;
  readonly files: number;
  /** Topic filters, beside the gateway's own. */
  readonly topics: readonly string[];
  /** Topics, and variables as `<varType>:<varName>`, that are not recorded. */
  readonly leaveOut: readonly RegExp[];
  readonly clientId: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly logger: (component: string) => Logger;
  /** Ends it. */
  readonly signal: AbortSignal;
}

/** What became of a recording. */
export interface Recorded extends RecordingCounts {
  readonly events: number;
  readonly messages: number;
  readonly leftOut: number;
}

/**
 * Records what crosses bus and broker, until it is told to end.
 *
 * @throws {FileFailure} when the file is there, or can't be written
 */
export async function record(loaded: LoadedGateway, options: RecordOptions): Promise<Recorded> {
  const { path, maxBytes, files: kept, leaveOut, logger } = options;
  const { redact } = loaded.secrets;
  const sources = sourcesOf(loaded, options.topics);
  const recording = randomUUID();
  const count = { events: 0, messages: 0, leftOut: 0 };
  const header = (part: number): RecordingHeader => ({
    mqttgwd_recording: FORMAT_VERSION,
    recording,
    at: Date.now(),
    part,
    version,
    channels: sources.channels,
    topics: sources.topics.map(redact),
  });
  await using files = await RecordingFiles.create({
    path,
    maxBytes,
    files: kept,
    header: (part) => `${JSON.stringify(header(part))}\n`,
    missed: (missing) => redactedLine({ kind: 'missed', at: Date.now(), count: missing }, redact),
    logger: logger('Recording'),
  });
  const onLine = (line: RecordedLine) => {
    // That both sides are left in the end is no gap.
    if (options.signal.aborted) return;
    const name = nameOf(line);
    if (name !== undefined && leaveOut.some((regex) => regex.test(name))) {
      count.leftOut++;
      return;
    }
    if (line.kind === 'bus') count.events++;
    else if (line.kind === 'mqtt') count.messages++;
    files.write(redactedLine(line, redact));
  };
  {
    await using recorder = new Recorder({ ...options, loaded, sources, onLine });
    try {
      await recorder.start();
    } catch (error) {
      if (count.events + count.messages + count.leftOut === 0) await files.discard();
      throw error;
    }
    await aborted(options.signal);
  }
  await files.close();
  return { ...count, ...files.counts };
}

/** What says whether it is left out. */
function nameOf(line: RecordedLine): string | undefined {
  if (line.kind === 'bus') return `${line.event.varType}:${line.event.varName}`;
  return line.kind === 'mqtt' ? line.message.topic : undefined;
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
