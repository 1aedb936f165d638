import { styleText } from 'node:util'
import { jsonLine, printable } from './printable.ts'

/** A colour or weight of `node:util`. */
export type Style = Parameters<typeof styleText>[0]

/** The output of a command. Data goes to stdout, everything else to stderr. */
export interface Output {
  /** Whether to write data as JSON. */
  readonly json: boolean
  readonly stdout: NodeJS.WriteStream
  readonly stderr: NodeJS.WriteStream
  /** Writes lines of data; resolves when there is room for more. */
  readonly write: (lines: readonly string[]) => Promise<void>
  /** Writes objects of data, one JSON object per line. */
  readonly writeJson: (values: readonly object[]) => Promise<void>
  /** Writes a message to the user, which is not data. */
  readonly note: (text: string) => void
  /** Styles `text` if stdout is a terminal with colours and `NO_COLOR` is not set. */
  readonly paint: (style: Style, text: string) => string
}

/** Writes, then waits for room or until `signal` aborts. Never rejects. */
const writeTo = (
  stream: NodeJS.WriteStream,
  text: string,
  signal: AbortSignal,
): Promise<void> | undefined => {
  // a failed stream has no reader any more
  if (text === '' || stream.errored !== null || stream.write(text)) return undefined
  return new Promise((resolve) => {
    const done = (): void => {
      stream.removeListener('drain', done)
      signal.removeEventListener('abort', done)
      resolve()
    }
    if (signal.aborted) return resolve()
    stream.once('drain', done)
    signal.addEventListener('abort', done, { once: true })
  })
}

/** Output to this process's streams. After `signal` aborts, it waits for no slow reader. */
export const createOutput = (
  json: boolean,
  signal: AbortSignal,
  { stdout, stderr }: Pick<Output, 'stdout' | 'stderr'> = process,
): Output => {
  const write = async (lines: readonly string[]): Promise<void> => {
    await writeTo(stdout, lines.map((line) => `${line}\n`).join(''), signal)
  }
  return {
    json,
    stdout,
    stderr,
    write,
    writeJson: (values) => write(values.map(jsonLine)),
    note: (text) => {
      stderr.write(`${text.split('\n').map(printable).join('\n')}\n`)
    },
    paint: (style, text) => styleText(style, text, { stream: stdout }),
  }
}
