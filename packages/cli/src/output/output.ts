import { styleText } from 'node:util'
import { jsonLine, printable } from './printable.ts'

/** A colour or weight of `node:util`. */
export type Style = Parameters<typeof styleText>[0]

/** What stands between commands and the terminal. Data goes to stdout, everything else to stderr. */
export interface Output {
  /** Whether data is to be JSON. */
  readonly json: boolean
  readonly stdout: NodeJS.WriteStream
  readonly stderr: NodeJS.WriteStream
  /** Writes lines of data; resolves when there is room for more. */
  readonly write: (lines: readonly string[]) => Promise<void>
  /** Writes objects of data, one JSON object a line. */
  readonly writeJson: (values: readonly object[]) => Promise<void>
  /** Tells the user something that is no data. */
  readonly note: (text: string) => void
  /** `text` in a style, where stdout is a terminal that has colours (and `NO_COLOR` is not set). */
  readonly paint: (style: Style, text: string) => string
}

/** Writes; waits for room, at the longest until `signal` aborts, and never rejects. */
const writeTo = (
  stream: NodeJS.WriteStream,
  text: string,
  signal: AbortSignal,
): Promise<void> | undefined => {
  // a stream that failed has lost its reader
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

/** Output to this process's own streams; waits for no slow reader once `signal` has aborted. */
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
