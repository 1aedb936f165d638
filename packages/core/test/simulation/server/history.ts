import type { Stored } from './stored.ts'

/** One key of a commit: written, or deleted. */
export interface Write {
  readonly key: string
  readonly stored: Stored | undefined
}

/** The commits at each revision since the last compaction, and the id of the history. */
export class History {
  #epoch = 1
  #wipedTo = 1
  #revision = 1
  #compacted = 1
  #commits: { readonly revision: number; readonly writes: readonly Write[] }[] = []

  get epoch(): number {
    return this.#epoch
  }
  get revision(): number {
    return this.#revision
  }
  get compacted(): number {
    return this.#compacted
  }

  append(writes: readonly Write[]): void {
    this.#revision += 1
    this.#commits.push({ revision: this.#revision, writes })
  }

  compact(): void {
    this.#compacted = this.#revision
    this.#commits = []
  }

  /** Begins another history, with revisions from 1 on. */
  wipe(): void {
    this.#epoch += 1
    this.#wipedTo = this.#epoch
    this.#revision = 1
    this.#compacted = 1
    this.#commits = []
  }

  /** Begins another history, with data that was saved at `revision`. No revision is used twice. */
  restore(revision: number): void {
    this.#epoch += 1
    this.#revision = Math.max(this.#revision, revision) + 1
    this.compact()
  }

  /** Whether the data of that epoch has been restored since, and not been lost. */
  isAncestor(epoch: number): boolean {
    return epoch >= this.#wipedTo
  }

  /** Everything after `revision`; `undefined` if that is compacted or of another history. */
  since(revision: number): readonly Write[] | undefined {
    if (revision < this.#compacted || revision > this.#revision) return undefined
    return this.#commits.filter((commit) => commit.revision > revision).flatMap((c) => c.writes)
  }
}
