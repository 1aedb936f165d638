import { watch, type FSWatcher } from 'node:fs'
import { basename, dirname } from 'node:path'

/**
 * Tells that the file may have changed, as soon as the system says so. Only a hint: it may be late,
 * doubled or missing, and some file systems have none.
 */
export class ChangeHint implements Disposable {
  #watcher: FSWatcher | undefined

  constructor(path: string, changed: () => void) {
    const name = basename(path)
    try {
      // the folder: a watch of the file itself would end with it
      this.#watcher = watch(dirname(path), { persistent: false }, (_, file) => {
        if (file === null || file.startsWith(name)) changed()
      })
      this.#watcher.on('error', () => this[Symbol.dispose]())
    } catch {
      // no watches left, or no folder: the poll does it
    }
  }

  get works(): boolean {
    return this.#watcher !== undefined
  }

  [Symbol.dispose](): void {
    this.#watcher?.close()
    this.#watcher = undefined
  }
}
