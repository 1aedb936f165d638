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

/** The file of results. */
interface Contents {
  readonly results: Readonly<Record<string, Kept>>
  /** The hash of each file of tests, by the hash of all of them. */
  readonly testSets: Readonly<Record<string, Readonly<Record<string, string>>>>
}

const hash = (text: string): string =>
  createHash('sha256').update(text).digest('base64url').slice(0, 16)

const folder = '.cache/mutate'

const isOfSimulation = (file: string): boolean => file.includes('/simulation/')

/** Code that tests of several files share. */
const isSupport = (file: string): boolean => !isOfSimulation(file) && !file.endsWith('.test.ts')

/** The results of earlier runs, each with the hash of what it depends on. */
export class ResultCache {
  readonly #file: string
  readonly #kept: Map<string, Kept>
  readonly #testSets: Map<string, Readonly<Record<string, string>>>
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
    const { results, testSets } = this.#read()
    this.#kept = new Map(Object.entries(results))
    this.#testSets = new Map(Object.entries(testSets))
    this.#sources = new Map(sources.map(({ file, code }) => [file, hash(code)]))
    this.#tests = new Map(tests.map((file) => [file, hash(readFileSync(join(root, file), 'utf8'))]))
    const together = (isMeant: (file: string) => boolean): string =>
      hash([...this.#tests].flatMap(([file, one]) => (isMeant(file) ? one : [])).join())
    this.#simulation = together(isOfSimulation)
    this.#support = together(isSupport)
    this.#all = together(() => true)
    this.#testSets.set(this.#all, Object.fromEntries(this.#tests))
  }

  forget(): void {
    this.#kept.clear()
    this.save()
  }

  /** What became of the mutant, if nothing that matters has changed since. */
  find(mutant: Mutant): Outcome | undefined {
    const kept = this.#keptOf(mutant)
    if (kept === undefined) return undefined
    const { status, killer, cause } = kept
    return kept.tests === this.#testsOf(kept) ? { status, killer, cause } : undefined
  }

  /** What noticed a mutant of this kind last, and may do so again. */
  lastKiller(mutant: Mutant): string | undefined {
    return this.#kept.get(this.#key(mutant))?.killer
  }

  /** Which tests and seeds can tell something new of a mutant: for a survivor those that changed since. */
  news(mutant: Mutant): (name: string) => boolean {
    const kept = this.#keptOf(mutant)
    const before =
      kept === undefined || kept.status === 'killed' ? undefined : this.#testSets.get(kept.tests)
    if (before === undefined) return () => true
    const changed = [...this.#tests].flatMap(([file, now]) => (before[file] === now ? [] : file))
    if (changed.some(isSupport)) return () => true
    const isSeedChanged = changed.some(isOfSimulation)
    return (name) =>
      name.startsWith('seed ') ? isSeedChanged : changed.includes(name.split(' > ')[0] ?? '')
  }

  keep(mutant: Mutant, outcome: Outcome): Result {
    const source = this.#sources.get(mutant.file) ?? ''
    this.#kept.set(this.#key(mutant), { ...outcome, source, tests: this.#testsOf(outcome) })
    return { mutant, ...outcome }
  }

  save(): void {
    const used = new Set([...this.#kept.values()].map(({ tests }) => tests))
    const contents: Contents = {
      results: Object.fromEntries(this.#kept),
      testSets: Object.fromEntries([...this.#testSets].filter(([tests]) => used.has(tests))),
    }
    mkdirSync(dirname(this.#file), { recursive: true })
    writeFileSync(this.#file, JSON.stringify(contents))
  }

  /** What is kept of a mutant whose file has not changed. */
  #keptOf(mutant: Mutant): Kept | undefined {
    const kept = this.#kept.get(this.#key(mutant))
    return kept?.source === this.#sources.get(mutant.file) ? kept : undefined
  }

  /** The hash of the tests that the outcome depends on. */
  #testsOf({ killer }: Outcome): string {
    if (killer === undefined) return this.#all
    if (killer === 'loading' || killer === 'endless') return ''
    if (killer.startsWith('seed ')) return this.#simulation
    return `${this.#tests.get(killer.split(' > ')[0] ?? '') ?? ''} ${this.#support}`
  }

  #key({ file, inside, original, replacement, start }: Mutant): string {
    return `${file} ${start} ${inside} ${hash(original)} ${hash(replacement)}`
  }

  #read(): Contents {
    try {
      const contents = JSON.parse(readFileSync(this.#file, 'utf8')) as Partial<Contents>
      return { results: contents.results ?? {}, testSets: contents.testSets ?? {} }
    } catch {
      return { results: {}, testSets: {} }
    }
  }
}
