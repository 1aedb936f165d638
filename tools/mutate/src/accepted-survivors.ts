import { readFileSync } from 'node:fs'
import { type Mutant, showChange } from './mutant.ts'

/** Survivors of one function that are known, and why no test notices them. */
export interface Accepted {
  readonly file: string
  /** The function or method. */
  readonly inside: string
  /** As `showChange` writes them. */
  readonly changes: readonly string[]
  readonly reason: string
}

/** The committed list. */
export const readAccepted = (): readonly Accepted[] =>
  JSON.parse(
    readFileSync(new URL('../accepted-survivors.json', import.meta.url), 'utf8'),
  ) as readonly Accepted[]

const keyOf = (file: string, inside: string, change: string): string =>
  `${file} ${inside} ${change}`

/** Finds the reason why a survivor is accepted, and the entries that name no mutant. */
export class AcceptedSurvivors {
  readonly #reasons: ReadonlyMap<string, string>

  constructor(accepted: readonly Accepted[]) {
    this.#reasons = new Map(
      accepted.flatMap(({ file, inside, changes, reason }) =>
        changes.map((change) => [keyOf(file, inside, change), reason] as const),
      ),
    )
  }

  reasonFor(mutant: Mutant): string | undefined {
    return this.#reasons.get(keyOf(mutant.file, mutant.inside, showChange(mutant)))
  }

  /** What is listed and is no mutant any more. */
  unknown(mutants: readonly Mutant[]): readonly string[] {
    const keys = new Set(mutants.map((one) => keyOf(one.file, one.inside, showChange(one))))
    return [...this.#reasons.keys()].filter((key) => !keys.has(key))
  }
}
