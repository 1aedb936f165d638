import type { Cell } from './screen.ts'

/** A terminal to draw. */
export interface Panel {
  readonly title: string
  readonly rows: readonly (readonly Cell[])[]
}

const cell = { width: 7.8, height: 19 }
const margin = 16
const barHeight = 30

const colours: Readonly<Record<number, string>> = {
  31: '#ff7b72',
  32: '#7ee787',
  33: '#e3b341',
  36: '#79c0ff',
}

const escaped = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')

const style = (codes: readonly number[]): string => {
  const colour = codes.map((code) => colours[code]).findLast((found) => found !== undefined)
  return [
    ...(colour === undefined ? [] : [`fill="${colour}"`]),
    ...(codes.includes(1) ? ['font-weight="bold"'] : []),
    ...(codes.includes(2) ? ['opacity="0.6"'] : []),
  ].join(' ')
}

/** Adjacent cells of one style form one run of text. */
const runs = (row: readonly Cell[]): string => {
  const parts: { style: string; text: string }[] = []
  for (const { text, codes } of row) {
    const last = parts.at(-1)
    if (last?.style === style(codes)) last.text += text
    else parts.push({ style: style(codes), text })
  }
  return parts
    .map(
      (part) => `<tspan${part.style === '' ? '' : ` ${part.style}`}>${escaped(part.text)}</tspan>`,
    )
    .join('')
}

const drawPanel = ({ title, rows }: Panel, size: Size, top: number): string => {
  const width = size.columns * cell.width + 2 * margin
  const height = size.rows * cell.height + 2 * margin + barHeight
  const lines = rows.map((row, index) => {
    const y = barHeight + margin + (index + 0.75) * cell.height
    return `<text x="${margin}" y="${y}" xml:space="preserve">${runs(row)}</text>`
  })
  const dots = ['#ff5f56', '#ffbd2e', '#27c93f'].map(
    (colour, index) => `<circle cx="${18 + index * 18}" cy="15" r="5.5" fill="${colour}"/>`,
  )
  return [
    `<g transform="translate(0 ${top})">`,
    `<rect width="${width}" height="${height}" rx="8" fill="#0d1117" stroke="#30363d"/>`,
    ...dots,
    `<text x="${width / 2}" y="20" text-anchor="middle" opacity="0.7">${escaped(title)}</text>`,
    ...lines,
    '</g>',
  ].join('\n')
}

/** The size of each terminal, in characters. */
export interface Size {
  readonly columns: number
  readonly rows: number
}

/** Stacks terminals vertically: side by side their text would be too small on a page. */
export const drawSvg = (panels: readonly Panel[], size: Size): string => {
  const width = size.columns * cell.width + 2 * margin
  const step = size.rows * cell.height + 2 * margin + barHeight + 12
  const height = panels.length * step - 12
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="-1 -1 ${width + 2} ${height + 2}" width="${width + 2}"`,
    `  font-family="ui-monospace, SFMono-Regular, Menlo, Consolas, monospace" font-size="13" fill="#e6edf3">`,
    ...panels.map((panel, index) => drawPanel(panel, size, index * step)),
    '</svg>\n',
  ].join('\n')
}
