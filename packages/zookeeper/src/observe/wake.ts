import { abortable } from '@sd/core/driver'

/** Waits until it is told that something happened; what happens before the waiting counts. */
export class Wake {
  #told = false
  #wake: (() => void) | undefined

  notify(): void {
    this.#told = true
    this.#wake?.()
  }

  async wait(signal: AbortSignal): Promise<void> {
    while (!this.#told) {
      const told = new Promise<void>((resolve) => {
        this.#wake = resolve
      })
      await abortable(told, signal)
    }
    this.#told = false
  }
}
