/** The keys that one transaction wrote. Readers look up the present state of those keys. */
export interface Commit {
  readonly namespace: string
  readonly revision: number
  readonly changes: readonly { readonly key: string; readonly existedBefore: boolean }[]
}

/** The last commits, bounded by the number of changes in them. */
export class History {
  readonly #limit: number
  readonly #commits = new Map<number, Commit>()
  #changes = 0
  #forgotten = 0
  #latest = 0

  constructor(limit: number) {
    this.#limit = limit
  }

  /** Appends a commit with the next revision, and discards the oldest beyond the limit. */
  add(commit: Commit): void {
    this.#commits.set(commit.revision, commit)
    this.#latest = commit.revision
    this.#changes += commit.changes.length
    while (this.#changes > this.#limit) {
      this.#forgotten += 1
      this.#changes -= this.#commits.get(this.#forgotten)?.changes.length ?? 0
      this.#commits.delete(this.#forgotten)
    }
  }

  /** All commits after `revision`; `undefined` if some were discarded, or it is in the future. */
  since(revision: number): readonly Commit[] | undefined {
    if (revision < this.#forgotten || revision > this.#latest) return undefined
    const commits: Commit[] = []
    for (let next = revision + 1; next <= this.#latest; next += 1) {
      const commit = this.#commits.get(next)
      if (commit) commits.push(commit)
    }
    return commits
  }

  /** Discards every commit, like a compaction. */
  forget(): void {
    this.#commits.clear()
    this.#changes = 0
    this.#forgotten = this.#latest
  }
}
