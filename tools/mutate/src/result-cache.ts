import { createHash } from 'node:crypto'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { Mutant } from './mutant.ts'

/** What is known of a mutant. */
export interface Outcome {
  /** `uncovered`: nothing passes there. */
  readonly status: 'killed' | 'survived' | 'uncovered'
  /** The test, the seed, `loading` or `endless`. */
  readonly killer?: string | undefined
  readonly cause?: string | undefined
}

/** A mutant and what became of it. */
export interface Result extends Outcome {
  readonly mutant: Mutant
}

interface Kept extends Outcome {
  readonly source: string
  readonly tests: string
}

const hash = (text: string): string =>
  createHash('sha256').update(text).digest('base64url').slice(0, 16)

const folder = '.cache/mutate'

/** The results of earlier runs, each with the hash of what it depends on. */
export class ResultCache {
  readonly #file: string
  readonly #kept: Map<string, Kept>
  readonly #sources: ReadonlyMap<string, string>
  readonly #tests: ReadonlyMap<string, string>
  readonly #support: string
  readonly #simulation: string
  readonly #all: string

  constructor(
    root: string,
    sources: readonly { readonly file: string; readonly code: string }[],
    tests: readonly string[],
  ) {
    this.#file = join(root, folder, 'results.json')
    this.#kept = new Map(Object.entries(this.#read()))
    this.#sources = new Map(sources.map(({ file, code }) => [file, hash(code)]))
    this.#tests = new Map(tests.map((file) => [file, hash(readFileSync(join(root, file), 'utf8'))]))
    const together = (isMeant: (file: string) => boolean): string =>
      hash([...this.#tests].flatMap(([file, one]) => (isMeant(file) ? one : [])).join())
    this.#simulation = together((file) => file.includes('/simulation/'))
    this.#support = together((file) => !file.includes('/simulation/') && !file.endsWith('.test.ts'))
    this.#all = together(() => true)
  }

  forget(): void {
    this.#kept.clear()
  }

  /** What became of the mutant, if nothing that matters has changed since. */
  find(mutant: Mutant): Outcome | undefined {
    const kept = this.#kept.get(this.#key(mutant))
    if (kept === undefined || kept.source !== this.#sources.get(mutant.file)) return undefined
    const { status, killer, cause } = kept
    return kept.tests === this.#testsOf(kept) ? { status, killer, cause } : undefined
  }

  /** What noticed a mutant of this kind last, and may do so again. */
  lastKiller(mutant: Mutant): string | undefined {
    return this.#kept.get(this.#key(mutant))?.killer
  }

  keep(mutant: Mutant, outcome: Outcome): Result {
    const source = this.#sources.get(mutant.file) ?? ''
    this.#kept.set(this.#key(mutant), { ...outcome, source, tests: this.#testsOf(outcome) })
    return { mutant, ...outcome }
  }

  save(): void {
    mkdirSync(dirname(this.#file), { recursive: true })
    writeFileSync(this.#file, JSON.stringify(Object.fromEntries(this.#kept)))
  }

  /** The hash of the tests that the outcome depends on. */
  #testsOf({ killer }: Outcome): string {
    if (killer === undefined || killer === 'endless') return this.#all
    if (killer === 'loading') return ''
    if (killer.startsWith('seed ')) return this.#simulation
    return `${this.#tests.get(killer.split(' > ')[0] ?? '') ?? ''} ${this.#support}`
  }

  #key({ file, inside, original, replacement, start }: Mutant): string {
    return `${file} ${start} ${inside} ${hash(original)} ${hash(replacement)}`
  }

  #read(): Record<string, Kept> {
    try {
      return JSON.parse(readFileSync(this.#file, 'utf8')) as Record<string, Kept>
    } catch {
      return {}
    }
  }
}
