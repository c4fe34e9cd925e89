import { createReadStream } from 'node:fs';
import { describeError } from '@cstbox/mqtt-core';
import { FileFailure } from '../file-failure.js';
import { FORMAT_VERSION, isHeader, parseLine, type RecordedLine, type RecordingHeader } from './recording-format.js';

/** A line that is none: cut off when the power went, or damaged. */
export interface Damage {
  readonly path: string;
  /** From 1. */
  readonly line: number;
}

/** No event and no message is longer: what is has lost its line ends. */
const MAX_LINE_CHARS = 512 * 1024 * 1024;
/** A header names each topic that was listened to. */
const MAX_HEADER_BYTES = 16 * 1024 * 1024;

/**
 * The files of recordings in the order in which they were begun, however they are named. Those of one recording stay together and
 * go by their number: the clock may have been set back meanwhile.
 *
 * @throws {FileFailure} for what can't be read, or is no recording
 */
export async function inOrder(paths: readonly string[]): Promise<string[]> {
  const files = await Promise.all(paths.map(async (path) => ({ path, header: await readHeader(path) })));
  const firsts = new Map<string, RecordingHeader>();
  for (const { header } of files) {
    const { recording, part } = header;
    if (recording === undefined) continue;
    const first = firsts.get(recording);
    if (!first || part < first.part) firsts.set(recording, header);
  }
  const begun = ({ recording, at }: RecordingHeader) => firsts.get(recording ?? '')?.at ?? at;
  const name = ({ recording = '' }: RecordingHeader) => recording;
  return files
    .sort(
      ({ header: a }, { header: b }) =>
        begun(a) - begun(b) || name(a).localeCompare(name(b)) || a.part - b.part || a.at - b.at,
    )
    .map(({ path }) => path);
}

/**
 * The lines of a recording. Holds no more of the file in memory than it is reading.
 *
 * @param onDamage is told of each line that says nothing
 * @throws {FileFailure} when the file can't be read
 */
export async function* readRecording(
  path: string,
  onDamage: (damage: Damage) => void,
): AsyncGenerator<readonly RecordedLine[]> {
  let number = 0;
  let rest = '';
  const parse = (text: string): RecordedLine | undefined => {
    number++;
    const line = parseLine(text);
    if (!line) onDamage({ path, line: number });
    return line && !isHeader(line) ? line : undefined;
  };
  try {
    for await (const chunk of createReadStream(path, { encoding: 'utf8', highWaterMark: 1024 * 1024 })) {
      const texts = (rest + chunk).split('\n');
      rest = texts.pop() as string;
      if (rest.length > MAX_LINE_CHARS)
        throw new FileFailure(`${path}:${number + texts.length + 1}: a line without an end`);
      yield texts.flatMap((text) => parse(text) ?? []);
    }
  } catch (error) {
    if (error instanceof FileFailure) throw error;
    throw new FileFailure(`can't read ${path}: ${describeError(error)}`);
  }
  const last = rest === '' ? undefined : parse(rest);
  if (last) yield [last];
}

async function readHeader(path: string): Promise<RecordingHeader> {
  const header = parseLine(await firstLine(path));
  if (!header || !isHeader(header)) {
    throw new FileFailure(`${path} is no recording of mqttgwd record: its first line is no header`);
  }
  const { mqttgwd_recording: version } = header;
  if (version === FORMAT_VERSION) return header;
  throw new FileFailure(
    `${path} has version ${version} of the format, and this mqttgwd knows ${FORMAT_VERSION}: take the mqttgwd that wrote it, or a newer one`,
  );
}

async function firstLine(path: string): Promise<string> {
  try {
    let text = '';
    for await (const chunk of createReadStream(path, { encoding: 'utf8', end: MAX_HEADER_BYTES - 1 })) {
      text += chunk;
      if (chunk.includes('\n')) break;
    }
    return text.split('\n', 1)[0] as string;
  } catch (error) {
    throw new FileFailure(`can't read ${path}: ${describeError(error)}`);
  }
}
