import { readFileSync } from 'node:fs'
import { type Mutant, showChange } from './mutant.ts'
import type { Result } from './result-cache.ts'

/** Survivors that are known, and why no test notices them. */
export interface Accepted {
  /** A file, or a folder with `/` at its end; without it, every file. */
  readonly file?: string
  /** The function or method; without it, every one. */
  readonly inside?: string
  /** As `showChange` writes them. `…` stands for any text. */
  readonly changes: readonly string[]
  readonly reason: string
}

/** The committed list. */
export const readAccepted = (): readonly Accepted[] =>
  JSON.parse(
    readFileSync(new URL('../accepted-survivors.json', import.meta.url), 'utf8'),
  ) as readonly Accepted[]

/** One change of an entry. */
interface Rule {
  readonly text: string
  readonly reason: string
  readonly accepts: (mutant: Mutant) => boolean
}

const toRule = ({ file, inside, reason }: Accepted, change: string): Rule => {
  const parts = change.split('…').map((part) => part.replaceAll(/[$()*+.?[\\\]^{|}]/g, '\\$&'))
  const pattern = new RegExp(`^${parts.join('.*')}$`)
  const isIn = (path: string): boolean =>
    file === undefined || path === file || (file.endsWith('/') && path.startsWith(file))
  return {
    text: [file, inside, change].filter((part) => part !== undefined).join(' '),
    reason,
    accepts: (mutant) =>
      isIn(mutant.file) &&
      (inside === undefined || mutant.inside === inside) &&
      pattern.test(showChange(mutant)),
  }
}

/** Finds the reason why a survivor is accepted, and the entries that accept nothing. */
export class AcceptedSurvivors {
  readonly #rules: readonly Rule[]

  constructor(accepted: readonly Accepted[]) {
    this.#rules = accepted.flatMap((entry) => entry.changes.map((change) => toRule(entry, change)))
  }

  reasonFor(mutant: Mutant): string | undefined {
    return this.#rules.find(({ accepts }) => accepts(mutant))?.reason
  }

  /** What is listed and is no mutant any more. */
  unknown(mutants: readonly Mutant[]): readonly string[] {
    return this.#rules.flatMap(({ accepts, text }) => (mutants.some(accepts) ? [] : [text]))
  }

  /** What is listed although tests notice it: each mutant that it names was run, and none survived. */
  unneeded(results: readonly Result[], mutants: readonly Mutant[]): readonly string[] {
    return this.#rules.flatMap(({ accepts, text }) => {
      const named = results.filter(({ mutant }) => accepts(mutant))
      const isWhole = named.length > 0 && named.length === mutants.filter(accepts).length
      return isWhole && named.every(({ status }) => status === 'killed') ? [text] : []
    })
  }
}
