import { type Place, watchChildren } from './place.ts'

/** Has a follower for each node of the namespace that may stand above records. */
export class EachParent<Follower> {
  readonly #place: Place
  readonly #follow: (parent: string, changed: () => void) => Follower
  readonly #changed: () => void
  readonly #followers = new Map<string, Follower>()
  readonly #due = new Set<string>()
  #listDue = true

  /** `changed` tells that `due` has something to say. */
  constructor(
    place: Place,
    follow: (parent: string, changed: () => void) => Follower,
    changed: () => void,
  ) {
    this.#place = place
    this.#follow = follow
    this.#changed = changed
  }

  /** Those to whom something happened since the last time, at first all; and those whose node is gone. */
  async due(): Promise<{ readonly due: readonly Follower[]; readonly gone: readonly Follower[] }> {
    const gone: Follower[] = []
    if (this.#listDue) {
      this.#listDue = false
      const names = await watchChildren(this.#place, this.#place.keys.root, () => {
        this.#listDue = true
        this.#changed()
      })
      const present = new Set(names)
      for (const [parent, follower] of this.#followers)
        if (!present.has(parent)) {
          this.#followers.delete(parent)
          gone.push(follower)
        }
      for (const parent of present) if (!this.#followers.has(parent)) this.#add(parent)
    }
    const due = [...this.#due].flatMap((parent) => this.#followers.get(parent) ?? [])
    this.#due.clear()
    return { due, gone }
  }

  #add(parent: string): void {
    const follower = this.#follow(parent, () => {
      this.#due.add(parent)
      this.#changed()
    })
    this.#followers.set(parent, follower)
    this.#due.add(parent)
  }
}
