import { watch, type FSWatcher } from 'node:fs'
import { basename, dirname } from 'node:path'

/**
 * Calls back when the system reports that the file may have changed. Only a hint: it may come late,
 * twice or never, and some file systems have none.
 */
export class ChangeHint implements Disposable {
  #watcher: FSWatcher | undefined

  constructor(path: string, changed: () => void) {
    const name = basename(path)
    try {
      // the folder: a watch of the file would end when the file is replaced
      this.#watcher = watch(dirname(path), { persistent: false }, (_, file) => {
        if (file === null || file.startsWith(name)) changed()
      })
      this.#watcher.on('error', () => this[Symbol.dispose]())
    } catch {
      // no watches left, or no folder: polling is enough
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
