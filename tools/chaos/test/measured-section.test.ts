import { describe, expect, it } from 'vitest'
import { type MeasuredRow, writeMeasuredRow } from '../src/measured/measured-section.ts'

const page = `# Guarantees

<!-- bounds:begin -->
<!-- bounds:end -->

After.
`

const row: MeasuredRow = {
  backend: 'etcd',
  description: '3.5.16 as a process',
  date: '2026-01-31',
  node: '24.1.0',
  cores: 4,
  load: 0.3,
  killedMs: [2_300, 1_712, 2_004],
  changeMs: Array.from({ length: 50 }, (_, index) => index + 1),
  registerMs: 354,
  backMs: 1_206,
}

const tableOf = (text: string): readonly string[] =>
  text.split('\n').filter((line) => line.startsWith('|'))

describe('writeMeasuredRow', () => {
  it('writes the row between the marks, and nothing else', () => {
    const written = writeMeasuredRow(page, row)
    expect(written.startsWith('# Guarantees\n\n<!-- bounds:begin -->\n')).toBe(true)
    expect(written.endsWith('<!-- bounds:end -->\n\nAfter.\n')).toBe(true)
    expect(
      tableOf(written)[2]
        ?.split('|')
        .map((cell) => cell.trim()),
    ).toEqual([
      '',
      'etcd 3.5.16 as a process',
      '2026-01-31, Node 24.1.0, 4 cores (load 0.3)',
      '1.71 … 2.30 s (3)',
      '25.0 ms, 95 %: 48.0 ms (50)',
      '0.35 s',
      '1.21 s',
      '',
    ])
  })

  it('replaces the row of the backend, and keeps the others', () => {
    const both = writeMeasuredRow(writeMeasuredRow(page, row), { ...row, backend: 'consul' })
    const again = writeMeasuredRow(both, { ...row, description: '3.7.3 as a process', backMs: 99 })
    const rows = tableOf(again).slice(2)
    expect(rows.map((line) => line.split('|')[1]?.trim())).toEqual([
      'consul 3.5.16 as a process',
      'etcd 3.7.3 as a process',
    ])
    expect(rows[0]).toContain('1.21 s')
    expect(rows[1]).toContain('0.10 s')
    expect(again.match(/bounds:begin/g)).toHaveLength(1)
  })

  it('says where the machine did other work', () => {
    expect(writeMeasuredRow(page, { ...row, load: 9.25 })).toContain('4 cores, shared (load 9.3)')
  })

  it('aligns the columns, as the formatter does', () => {
    const written = writeMeasuredRow(writeMeasuredRow(page, row), {
      ...row,
      backend: 'sqlite',
      description: 'one file',
    })
    expect(new Set(tableOf(written).map((line) => line.length)).size).toBe(1)
  })

  it('refuses a page without the marks', () => {
    expect(() => writeMeasuredRow('# Guarantees\n', row)).toThrow(/bounds:begin/)
  })
})
