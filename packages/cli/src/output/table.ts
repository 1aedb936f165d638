import stringWidth from 'string-width'
import { printable } from './printable.ts'

/** One column of a table. */
export interface Column {
  readonly heading: string
  readonly align?: 'left' | 'right'
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
