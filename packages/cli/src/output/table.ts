import stringWidth from 'string-width'
import { printable } from './printable.ts'

/** One column of a table. */
export interface Column {
  readonly heading: string
  readonly align?: 'left' | 'right'
  /** The columns that are left out where the width does not suffice, the lowest first. Default: none. */
  readonly dropOrder?: number
}

const pad = (text: string, width: number, align: Column['align']): string => {
  const space = ' '.repeat(Math.max(0, width - stringWidth(text)))
  return align === 'right' ? space + text : text + space
}

/**
 * Formats a table: the headings first, columns two spaces apart. Cells have the text of the
 * registry, with control characters made visible.
 */
export const tableLines = (
  columns: readonly Column[],
  rows: readonly (readonly string[])[],
): readonly string[] => {
  const cells = [columns.map(({ heading }) => heading), ...rows.map((row) => row.map(printable))]
  const widths = columns.map((_, index) =>
    // no spread into Math.max: there may be more rows than a call accepts arguments
    cells.reduce((widest, row) => Math.max(widest, stringWidth(row[index] ?? '')), 0),
  )
  return cells.map((row) =>
    row
      .map((cell, index) => pad(cell, widths[index] ?? 0, columns[index]?.align))
      .join('  ')
      .trimEnd(),
  )
}

/**
 * Formats a table for a terminal of `width` columns: leaves out whole columns, by their `dropOrder`,
 * until every line fits, and cuts the lines of what remains.
 */
export const tableLinesWithin = (
  width: number,
  columns: readonly Column[],
  rows: readonly (readonly string[])[],
): readonly string[] => {
  const lines = tableLines(columns, rows)
  const droppable = columns.filter(({ dropOrder }) => dropOrder !== undefined)
  const [first] = droppable.toSorted((a, b) => (a.dropOrder ?? 0) - (b.dropOrder ?? 0))
  if (first === undefined || lines.every((line) => stringWidth(line) <= width))
    return lines.map((line) => cutToWidth(line, width))
  const without = <T>(cells: readonly T[]): readonly T[] =>
    cells.toSpliced(columns.indexOf(first), 1)
  return tableLinesWithin(width, without(columns), rows.map(without))
}

/** Cuts `line`, without colours, to `width` columns of a terminal. */
export const cutToWidth = (line: string, width: number): string => {
  if (stringWidth(line) <= width) return line
  let cut = ''
  let used = 0
  for (const { segment } of new Intl.Segmenter().segment(line)) {
    used += stringWidth(segment)
    if (used > width - 1) break
    cut += segment
  }
  return `${cut}…`
}
