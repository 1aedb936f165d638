/** One small change to a source file. Offsets are in UTF-16 units, as `String.slice` counts. */
export interface Mutant {
  /** The path from the root of the repository, with `/`. */
  readonly file: string
  readonly start: number
  readonly end: number
  /** A statement is changed by leaving it out. */
  readonly kind: 'expression' | 'statement'
  readonly original: string
  readonly replacement: string
  readonly line: number
  readonly column: number
  /** The function or method that it is in, by its name; `''` outside of all. */
  readonly inside: string
}

const longestShown = 90

const oneLine = (code: string): string => {
  const line = code.replaceAll(/\s+/g, ' ')
  return line.length > longestShown ? `${line.slice(0, longestShown)} …` : line
}

/** The change in one line: the text by which a list of accepted survivors names it. */
export const showChange = ({ original, replacement }: Mutant): string =>
  `${oneLine(original)} → ${replacement === '' ? '(nothing)' : oneLine(replacement)}`
