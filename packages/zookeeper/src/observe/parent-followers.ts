import { type ObservationContext, watchChildren } from './observation-context.ts'

/** One follower for each node of the namespace that may have records below it. */
export class ParentFollowers<Follower> {
  readonly #context: ObservationContext
  readonly #follow: (parent: string, changed: () => void) => Follower
  readonly #changed: () => void
  readonly #followers = new Map<string, Follower>()
  readonly #due = new Set<string>()
  #listDue = true

  /** `changed` is called when `due` has something to return. */
  constructor(
    context: ObservationContext,
    follow: (parent: string, changed: () => void) => Follower,
    changed: () => void,
  ) {
    this.#context = context
    this.#follow = follow
    this.#changed = changed
  }

  /** The followers with changes since the last call (at first: all), and those whose node was deleted. */
  async due(): Promise<{ readonly due: readonly Follower[]; readonly gone: readonly Follower[] }> {
    const gone: Follower[] = []
    if (this.#listDue) {
      this.#listDue = false
      const names = await watchChildren(this.#context, this.#context.keys.root, () => {
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
