import { mkdir, mkdtemp, readdir, rename, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { encodeName } from '@sd/core/driver'

/** Runs `work` on the file directly, without the driver, as with the `sqlite3` shell. */
export const byHand = <T>(path: string, work: (database: DatabaseSync) => T): T => {
  const database = new DatabaseSync(path, { timeout: 5_000 })
  try {
    return work(database)
  } finally {
    database.close()
  }
}

/** The key of an instance in the default format. */
export const keyOf = (service: string, id: string): string =>
  `${encodeName(service)}/${encodeName(id)}`

/**
 * A folder with a registry file that is reached over symbolic links. A link that points nowhere is
 * a disk that is not mounted.
 */
export class SharedFolder implements AsyncDisposable {
  readonly root: string
  /** The path of the file itself. */
  readonly path: string

  private constructor(root: string) {
    this.root = root
    this.path = join(root, 'data', 'registry.db')
  }

  /** All links are mounted. */
  static async create(links: readonly string[] = ['link', 'direct']): Promise<SharedFolder> {
    const folder = new SharedFolder(await mkdtemp(join(tmpdir(), 'sd-sqlite-')))
    await mkdir(join(folder.root, 'data'), { mode: 0o700 })
    for (const link of links) await folder.mount(link)
    return folder
  }

  /** The path of the file through a link. */
  over(link: string): string {
    return join(this.root, link, 'registry.db')
  }

  async mount(link: string): Promise<void> {
    await this.#point(link, 'data')
  }

  async unmount(link: string): Promise<void> {
    await this.#point(link, 'nowhere')
  }

  /** Deletes everything. */
  async wipe(): Promise<void> {
    for (const name of await readdir(join(this.root, 'data')))
      await rm(join(this.root, 'data', name), { force: true })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.root, { recursive: true, force: true })
  }

  /** Replaces the link in one step: it is never missing. */
  async #point(link: string, target: string): Promise<void> {
    const draft = join(this.root, `${link}.new`)
    await symlink(join(this.root, target), draft)
    await rename(draft, join(this.root, link))
  }
}
