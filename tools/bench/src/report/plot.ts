import type { Summary } from '../frame/statistics.ts'
import { figure } from './describe-measured.ts'

const colours = ['#8b949e', '#2f81f7', '#3fb950', '#d29922', '#a371f7', '#db6d28', '#f778ba']
const size = { width: 720, label: 190, value: 90, bar: 18, gap: 10, head: 34 }

const escaped = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')

/**
 * A bar for the median of each side, with a line from the least to the 99th percentile, as the text of
 * an SVG image that is readable on light and dark pages.
 */
export const plotOf = (
  title: string,
  unit: string,
  sides: Readonly<Record<string, Summary>>,
): string => {
  const entries = Object.entries(sides)
  const highest = Math.max(...entries.map(([, { p99 }]) => p99), Number.MIN_VALUE)
  const wide = size.width - size.label - size.value
  const at = (value: number): string => (size.label + (value / highest) * wide).toFixed(1)
  const height = size.head + entries.length * (size.bar + size.gap)
  const bars = entries.flatMap(([side, { median, p99, min }], index) => {
    const top = size.head + index * (size.bar + size.gap)
    const middle = top + size.bar / 2
    const width = ((median / highest) * wide).toFixed(1)
    return [
      `<text x="${size.label - 8}" y="${middle + 4}" text-anchor="end">${escaped(side)}</text>`,
      `<rect x="${size.label}" y="${top}" width="${width}" height="${size.bar}" fill="${colours[index % colours.length]}"/>`,
      `<line x1="${at(min)}" x2="${at(p99)}" y1="${middle}" y2="${middle}" stroke="#57606a" stroke-width="2"/>`,
      `<text x="${size.width - 4}" y="${middle + 4}" text-anchor="end">${figure(median)} ${unit}</text>`,
    ]
  })
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${size.width} ${height}" font-family="sans-serif" font-size="13" fill="#768390">`,
    `<text x="4" y="20" font-weight="bold">${escaped(title)} (${unit})</text>`,
    ...bars,
    '</svg>',
    '',
  ].join('\n')
}
