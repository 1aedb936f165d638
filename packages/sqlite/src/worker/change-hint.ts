import { watch, type FSWatcher } from 'node:fs'
import { basename, dirname } from 'node:path'

/**
 * Calls back when the system reports that the file may have changed. The report is only a hint: it
 * may come late, twice or never, and some file systems send none.
 */
export class ChangeHint implements Disposable {
  #watcher: FSWatcher | undefined

  constructor(path: string, changed: () => void) {
    const name = basename(path)
    try {
      // watch the folder: a watch on the file would end when the file is replaced
      this.#watcher = watch(dirname(path), { persistent: false }, (_, file) => {
        if (file === null || file.startsWith(name)) changed()
      })
      this.#watcher.on('error', () => this[Symbol.dispose]())
    } catch {
      // no watches left, or no folder; polling suffices
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
