/** The version of the node above records. It advances with each creation of this session. */
export interface ParentVersion {
  /** -1: any version. */
  version: number
}

/**
 * The last known versions of the nodes above records. Every creation of a record increments the version of the
 * node above. A record that was written or read under the known version was therefore not replaced, if the
 * server's version is still that one: a write that checks it needs no read before.
 */
export class ParentVersions {
  readonly #known = new Map<string, ParentVersion>()

  /** A read has found `version`, before the records; `undefined` where there is no node. */
  found(parent: string, version: number | undefined): ParentVersion | undefined {
    const known = this.#known.get(parent)
    if (version !== undefined)
      return known?.version === version ? known : this.#renew(parent, version)
    this.#known.delete(parent)
    return undefined
  }

  /** A transaction of this session has created records, and `version` is that after it. */
  created(parent: string, version: number): ParentVersion {
    const known = this.#known.get(parent)
    if (known?.version !== version - 1) return this.#renew(parent, version)
    // nobody else has created a record in between, so all that was known holds
    known.version = version
    return known
  }

  /** Whether `version` is that of the last read or creation, with only this session's creations since. */
  isKnown(parent: string, version: ParentVersion | undefined): boolean {
    return version !== undefined && this.#known.get(parent) === version
  }

  /** Forgets everything, as a server that was away may come back with the data of a backup. */
  clear(): void {
    this.#known.clear()
  }

  #renew(parent: string, version: number): ParentVersion {
    const known = { version }
    this.#known.set(parent, known)
    return known
  }
}
