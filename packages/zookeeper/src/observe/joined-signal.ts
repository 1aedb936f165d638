/**
 * A signal that aborts with the first of several. Adding a listener to the signal of `AbortSignal.any`, and removing
 * it, takes longer than the rest of a change; to this one it is cheap. It leaves the others when it is disposed.
 */
export class JoinedSignal implements Disposable {
  readonly #controller = new AbortController()
  readonly #sources: readonly AbortSignal[]
  readonly #abort: (this: AbortSignal) => void

  constructor(sources: readonly AbortSignal[]) {
    const controller = this.#controller
    this.#sources = sources
    this.#abort = function (): void {
      controller.abort(this.reason)
    }
    for (const source of sources) {
      if (source.aborted) controller.abort(source.reason)
      source.addEventListener('abort', this.#abort, { once: true })
    }
  }

  get signal(): AbortSignal {
    return this.#controller.signal
  }

  [Symbol.dispose](): void {
    for (const source of this.#sources) source.removeEventListener('abort', this.#abort)
  }
}
