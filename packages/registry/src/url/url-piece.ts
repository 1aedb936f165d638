import type { RegistryError } from '@sd/core'
import { configError } from '../config-error.ts'

/** A part of a URL and its position, counted from 0. */
export interface UrlPiece {
  readonly text: string
  readonly at: number
}

/** The part of `piece` from `start` up to, but not including, `end`. */
export const subPiece = ({ text, at }: UrlPiece, start: number, end?: number): UrlPiece => ({
  text: text.slice(start, end),
  at: at + start,
})

/** Splits `piece` at every `separator`. */
export const splitPiece = ({ text, at }: UrlPiece, separator: string): readonly UrlPiece[] => {
  let start = at
  return text.split(separator).map((part) => {
    const piece = { text: part, at: start }
    start += part.length + separator.length
    return piece
  })
}

/**
 * An `invalid-config` with the position of the problem in the URL. The message never contains the
 * URL, because a mistyped URL may have a password anywhere.
 */
export const urlProblem = (at: number, problem: string): RegistryError =>
  configError(`registry URL, character ${at + 1}: ${problem}`)

/** Percent-decodes `piece`. Errors contain its name, `what`, but not its text. */
export const decodePiece = ({ text, at }: UrlPiece, what: string): string => {
  const broken = /%(?![0-9A-Fa-f]{2})/.exec(text)
  if (broken !== null)
    throw urlProblem(at + broken.index, `a % in the ${what} is not followed by two hex digits`)
  let decoded: string
  try {
    decoded = decodeURIComponent(text)
  } catch {
    throw urlProblem(at, `the percent-encoded ${what} is not UTF-8`)
  }
  if (/\p{Cc}/u.test(decoded))
    throw urlProblem(at, `the ${what} contains an encoded control character`)
  return decoded
}
