import { describe, expect, test } from 'vitest'
import { readDuration, showAge } from '../src/output/duration.ts'
import { describeUpdate } from '../src/output/instance-output.ts'
import { jsonLine, printable } from '../src/output/printable.ts'
import { instanceCells, instanceColumns } from '../src/output/instance-output.ts'
import { cutToWidth, tableLines, tableLinesWithin } from '../src/output/table.ts'

const instance = {
  service: 'orders',
  id: 'orders-1',
  endpoints: ['http://10.0.0.7:8080'],
  weight: 100,
  health: 'passing',
  tags: [],
  metadata: {},
}

describe('durations', () => {
  test.each([
    ['500ms', 500],
    ['1.5s', 1_500],
    ['10m', 600_000],
    ['2h', 7_200_000],
  ])('%s is %i ms', (text, ms) => {
    expect(readDuration(text)).toBe(ms)
  })

  test.each(['', '10', 's', '-1s', '1e3s', '10 s', '999h'])('%j is refused', (text) => {
    expect(() => readDuration(text)).toThrow('Expected a duration')
  })

  test.each([
    [0, '0s'],
    [7_900, '7s'],
    [65_000, '1m5s'],
    [120_000, '2m'],
    [3_661_000, '1h1m'],
    [90_000_000, '1d1h'],
    [86_400_000 * 400, '400d'],
  ])('an age of %i ms is %s', (ms, text) => {
    expect(showAge(ms)).toBe(text)
  })
})

describe('a table', () => {
  test('of instances fits 60 columns by leaving out columns, in a fixed order', () => {
    const listed = {
      service: 'orders',
      id: 'orders-host-7-4711-ab12cd34',
      endpoints: ['http://10.0.0.7:8080'],
      version: '1.4.0',
      zone: 'eu-1a',
      health: 'passing' as const,
      weight: 100,
      tags: [],
      metadata: {},
    }
    const rows = [instanceCells(listed, undefined, 0)]
    const headings = (width: number): string | undefined =>
      tableLinesWithin(width, instanceColumns, rows)[0]?.replaceAll(/ +/g, ' ')
    expect(headings(100)).toBe('ID ENDPOINTS VERSION ZONE WEIGHT HEALTH AGE')
    expect(headings(60)).toBe('ID ENDPOINTS HEALTH')
    expect(tableLinesWithin(60, instanceColumns, rows)[1]).toBe(
      'orders-host-7-4711-ab12cd34  http://10.0.0.7:8080  passing',
    )
    expect(tableLinesWithin(20, instanceColumns, rows)[1]).toBe('orders-host-7-4711-…')
  })

  test('is aligned, also with wide characters, with numbers at the right', () => {
    const lines = tableLines(
      [{ heading: 'ID' }, { heading: 'WEIGHT', align: 'right' }, { heading: 'ZONE' }],
      [
        ['a', '100', 'x'],
        ['日本', '5', ''],
      ],
    )
    expect(lines).toEqual(['ID    WEIGHT  ZONE', 'a        100  x', '日本       5'])
  })

  test('escapes control characters', () => {
    const [, line] = tableLines([{ heading: 'ID' }], [['\u001B[31mred\r\n\u202E']])
    expect(line).toBe('\\u{1b}[31mred\\u{d}\\u{a}\\u{202e}')
  })

  test('is truncated to the width of the terminal, between characters', () => {
    expect(cutToWidth('abcdef', 6)).toBe('abcdef')
    expect(cutToWidth('abcdef', 4)).toBe('abc…')
    expect(cutToWidth('日本語', 4)).toBe('日…')
  })

  test('takes 200,000 rows', () => {
    const rows = Array.from({ length: 200_000 }, (_, index) => [String(index)])
    expect(tableLines([{ heading: 'N' }], rows)).toHaveLength(200_001)
  })
})

test('a line of JSON contains no control character of a terminal', () => {
  const line = jsonLine({ id: '\u001B[2J\u009B2J\n' })
  expect(line).toBe(String.raw`{"id":"\u001b[2J\u009b2J\n"}`)
  expect(JSON.parse(line)).toEqual({ id: '\u001B[2J\u009B2J\n' })
  expect(printable(line)).toBe(line)
})

test('an update is shown by its differences', () => {
  const changed = { ...instance, weight: 5, health: 'failing', zone: 'eu', metadata: { a: 'b' } }
  expect(describeUpdate(instance, changed)).toBe(
    'zone - → eu, weight 100 → 5, health passing → failing, metadata - → a=b',
  )
})
