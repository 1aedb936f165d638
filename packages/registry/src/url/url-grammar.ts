import type { QueryKind, QueryValue } from './query-value.ts'
import { type UrlPiece, urlProblem } from './url-piece.ts'

/** The values of a query by key. */
export type QueryValues = ReadonlyMap<string, QueryValue>

/** How a backend's URLs read, beyond what all have in common. `Config` is what they say. */
export interface UrlGrammar<Config = object> {
  /** What stands after the scheme and its colon, for people. */
  readonly form: string
  /** The backend's own query keys. */
  readonly query: Readonly<Record<string, QueryKind>>
  /** Reads what stands between the scheme's colon and the query. */
  readonly read: (location: UrlPiece, query: QueryValues) => Config
}

/** The query keys that every backend has, and the option that each sets. */
export const commonQuery: Readonly<
  Record<string, { readonly kind: QueryKind; readonly option: readonly [string, string?] }>
> = {
  ttl: { kind: 'duration', option: ['ttlMs'] },
  'call-timeout': { kind: 'duration', option: ['callTimeoutMs'] },
  'close-timeout': { kind: 'duration', option: ['closeTimeoutMs'] },
  'backoff-min': { kind: 'duration', option: ['backoff', 'minMs'] },
  'backoff-max': { kind: 'duration', option: ['backoff', 'maxMs'] },
  'loss-protection': { kind: 'boolean', option: ['lossProtection'] },
  'max-fraction': { kind: 'fraction', option: ['lossProtection', 'maxFraction'] },
  hold: { kind: 'duration', option: ['lossProtection', 'holdMs'] },
  'min-instances': { kind: 'count', option: ['lossProtection', 'minInstances'] },
}

/** The options that the common keys of `query` set. `at` is where the query stands. */
export const commonOptions = (
  query: QueryValues,
  at: number,
): Readonly<Record<string, unknown>> => {
  const options: Record<string, unknown> = {}
  const lossProtection = query.get('loss-protection')
  for (const [name, { option }] of Object.entries(commonQuery)) {
    const value = query.get(name)
    const [outer, inner] = option
    if (value === undefined) continue
    if (inner === undefined) {
      // `true` is the default, and its parts have keys of their own
      if (name !== 'loss-protection' || value === false) options[outer] = value
      continue
    }
    if (outer === 'lossProtection' && lossProtection === false)
      throw urlProblem(at, `${name} cannot stand with loss-protection=false`)
    options[outer] = { ...(options[outer] as object | undefined), [inner]: value }
  }
  return options
}
