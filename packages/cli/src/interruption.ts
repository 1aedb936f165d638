import { exitCodeOfSignal } from './exit-code.ts'

/** Why a command must end early. The reason of the `AbortSignal` of an `Interruption`. */
export class Interrupted extends Error {
  override readonly name = 'Interrupted'
  /** The exit code of a command that was interrupted before it was done. */
  readonly exitCode: number

  constructor(message: string, exitCode: number) {
    super(message)
    this.exitCode = exitCode
  }
}

const caught: readonly NodeJS.Signals[] = ['SIGINT', 'SIGTERM', 'SIGHUP']

/**
 * Combines the signals of the system and a closed output into one `AbortSignal`, so that a command
 * can end cleanly. A second signal ends the process at once.
 */
export class Interruption implements Disposable {
  readonly #abort = new AbortController()
  readonly #listener = (name: NodeJS.Signals): void => this.#handle(name)
  #handle = (name: NodeJS.Signals): void => {
    const code = exitCodeOfSignal(name)
    if (this.signal.aborted) process.exit(code)
    this.#abort.abort(new Interrupted(`interrupted by ${name}`, code))
  }

  constructor() {
    for (const name of caught) process.on(name, this.#listener)
  }

  /** Aborts with an `Interrupted`. */
  get signal(): AbortSignal {
    return this.#abort.signal
  }

  /** Reports that the reader of the output is gone (`| head`), so that no work is left. */
  readerLeft(): void {
    this.#abort.abort(new Interrupted('the reader of the output closed the pipe', 0))
  }

  /** Passes every later signal to `handle`. */
  handOver(handle: (name: NodeJS.Signals) => void): void {
    this.#handle = handle
  }

  [Symbol.dispose](): void {
    for (const name of caught) process.removeListener(name, this.#listener)
  }
}
