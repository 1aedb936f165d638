import { decodePiece, type UrlPiece, urlProblem } from './url-piece.ts'

/** The type of a query key's value. */
export type QueryKind = 'duration' | 'fraction' | 'count' | 'boolean' | 'text'

/** A value of the query. Durations are in milliseconds. */
export type QueryValue = string | number | boolean

const unitMs: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 }

const readDuration = (text: string): number | undefined => {
  const match = /^(\d+(?:\.\d+)?)(ms|s|m|h)$/.exec(text)
  if (match === null) return undefined
  // rounded to thousandths, because 1.1 * 1000 is not 1100
  const milliseconds = Math.round(Number(match[1]) * (unitMs[match[2] ?? ''] ?? 0) * 1_000) / 1_000
  return Number.isSafeInteger(milliseconds) ? milliseconds : undefined
}

const readNumber = (shape: RegExp, text: string): number | undefined =>
  shape.test(text) && Number(text) <= Number.MAX_SAFE_INTEGER ? Number(text) : undefined

const readers: Readonly<
  Record<
    QueryKind,
    { readonly accepted: string; readonly read: (text: string) => QueryValue | undefined }
  >
> = {
  duration: {
    accepted: 'a duration of whole milliseconds: 500ms, 10s, 1m, 1h',
    read: readDuration,
  },
  fraction: {
    accepted: 'a number from 0 to 1',
    read: (text) => {
      const value = readNumber(/^\d*\.?\d+$/, text)
      return value !== undefined && value <= 1 ? value : undefined
    },
  },
  count: { accepted: 'a whole number', read: (text) => readNumber(/^\d+$/, text) },
  boolean: {
    accepted: 'true or false',
    read: (text) => (text === 'true' ? true : text === 'false' ? false : undefined),
  },
  text: { accepted: 'a text', read: (text) => (text === '' ? undefined : text) },
}

/** Parses a query value. Throws `invalid-config` with position, problem and accepted values. */
export const readQueryValue = (name: string, kind: QueryKind, piece: UrlPiece): QueryValue => {
  const text = decodePiece(piece, `value of ${name}`)
  const { accepted, read } = readers[kind]
  const value = read(text)
  if (value !== undefined) return value
  const shown = text.length > 40 ? `${text.slice(0, 37)}...` : text
  throw urlProblem(piece.at, `${name} is ${JSON.stringify(shown)}; expected ${accepted}`)
}
