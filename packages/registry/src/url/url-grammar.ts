import type { QueryKind, QueryValue } from './query-value.ts'
import { type UrlPiece, urlProblem } from './url-piece.ts'

/** The values of a query by key. */
export type QueryValues = ReadonlyMap<string, QueryValue>

/** The backend-specific grammar of a URL. `Config` is the configuration that it yields. */
export interface UrlGrammar<Config = object> {
  /** The form after the scheme and its colon, as shown in messages. */
  readonly form: string
  /** The backend's own query keys. */
  readonly query: Readonly<Record<string, QueryKind>>
  /** Parses the part between the scheme's colon and the query. */
  readonly read: (location: UrlPiece, query: QueryValues) => Config
}

/** The query keys that every backend accepts, and the option that each sets. */
export const commonQuery: Readonly<
  Record<string, { readonly kind: QueryKind; readonly option: readonly [string, string?] }>
> = {
  format: { kind: 'text', option: ['format'] },
  ttl: { kind: 'duration', option: ['ttlMs'] },
  'call-timeout': { kind: 'duration', option: ['callTimeoutMs'] },
  'close-timeout': { kind: 'duration', option: ['closeTimeoutMs'] },
  'backoff-min': { kind: 'duration', option: ['backoff', 'minMs'] },
  'backoff-max': { kind: 'duration', option: ['backoff', 'maxMs'] },
  'loss-protection': { kind: 'boolean', option: ['lossProtection'] },
  'max-fraction': { kind: 'fraction', option: ['lossProtection', 'maxFraction'] },
  hold: { kind: 'duration', option: ['lossProtection', 'holdMs'] },
  heartbeat: { kind: 'text', option: ['heartbeat'] },
  'max-block': { kind: 'duration', option: ['maxBlockMs'] },
  'min-instances': { kind: 'count', option: ['lossProtection', 'minInstances'] },
}

/** The options that the common keys of `query` set. `at` is the position of the query. */
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
      // `true` is the default, and the parts of the option have their own keys
      if (name !== 'loss-protection' || value === false) options[outer] = value
      continue
    }
    if (outer === 'lossProtection' && lossProtection === false)
      throw urlProblem(at, `${name} cannot be combined with loss-protection=false`)
    options[outer] = { ...(options[outer] as object | undefined), [inner]: value }
  }
  return options
}
