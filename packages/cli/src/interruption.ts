import { exitCodeOfSignal } from './exit-code.ts'

/** Why a command is to end early. It is the reason of every signal that it aborts. */
export class Interrupted extends Error {
  override readonly name = 'Interrupted'
  /** What a command ends with that was not done. */
  readonly exitCode: number

  constructor(message: string, exitCode: number) {
    super(message)
    this.exitCode = exitCode
  }
}

const caught: readonly NodeJS.Signals[] = ['SIGINT', 'SIGTERM', 'SIGHUP']

/**
 * Turns the signals of the system, and a reader that went away, into one `AbortSignal`, so that
 * what was begun is ended cleanly. A second signal ends the process at once.
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

  /** The reader of our output went away (`| head`): nobody is left to work for. */
  readerLeft(): void {
    this.#abort.abort(new Interrupted('the reader of the output left', 0))
  }

  /** From now on `handle` decides what a signal does. */
  handOver(handle: (name: NodeJS.Signals) => void): void {
    this.#handle = handle
  }

  [Symbol.dispose](): void {
    for (const name of caught) process.removeListener(name, this.#listener)
  }
}
