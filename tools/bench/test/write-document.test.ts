import { readFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { declaredBenchmarks } from '../src/frame/declared-benchmarks.ts'
import { summarize } from '../src/frame/statistics.ts'
import { readKeptResults } from '../src/report/kept-results.ts'
import { plotOf } from '../src/report/plot.ts'
import { documentOf } from '../src/report/write-document.ts'
import type { Benchmark } from '../src/frame/benchmark.ts'

const run = async () => ({})
const benchmark: Benchmark = {
  title: 'Calling',
  about: 'A call.',
  sides: { raw: { run }, '@sd': { run } },
  rows: {
    call: {
      what: 'call',
      unit: 'ms',
      goals: [{ side: '@sd', against: 'raw', atMost: 1.15 }],
      remains: 'the rest is in the client.',
    },
  },
}
const resultWith = (sd: number) => ({
  date: '2026-01-02',
  machine: { processor: 'p', cores: 2, memoryGb: 8, system: 'linux 6.1 x64', node: '24.0.0' },
  rows: { call: { raw: summarize([[1, 1]]), '@sd': summarize([[sd, sd]]) } },
  load: { loadAverage: 1, othersMedian: 0.5, othersHighest: 0.75 },
  server: 'etcd 3.5.16',
})
const benchmarks = new Map([['calling', benchmark]])

test('a goal that is not met is printed with what remains', () => {
  const text = documentOf(benchmarks, { calling: resultWith(1.5) })
  expect(text).toMatch(/\| call +\| 1\.5 \(1\.5–1\.5\) +\| @sd ≤ 1\.15 × raw +\| not met \|/)
  expect(text).toContain('*call*: the rest is in the client.')
  expect(text).toContain('etcd 3.5.16, Node 24.0.0, 2 cores of p, 8 GB, linux 6.1 x64')
  expect(text).toContain('load 1.0, others 50 % (highest 75 %)')
})

test('a goal that is met needs no explanation', () => {
  const text = documentOf(benchmarks, { calling: resultWith(1.1) })
  expect(text).toMatch(/\| met +\|/)
  expect(text).not.toContain('the rest is in the client')
})

test('a plot has a bar for each side', () => {
  const plot = plotOf('a < b', 'ms', resultWith(2).rows.call)
  expect(plot.match(/<rect /g)).toHaveLength(2)
  expect(plot).toContain('a &lt; b (ms)')
  expect(plot).toContain('>2 ms<')
})

// the declarations import much of the workspace
test('every declared explanation of a goal is a whole sentence', { timeout: 120_000 }, async () => {
  for (const [name, { rows }] of await declaredBenchmarks())
    for (const [row, { remains }] of Object.entries(rows)) {
      if (remains === undefined) continue
      const where = `${name}, ${row}: ${remains}`
      expect(remains.trim().split(/\s+/).length, where).toBeGreaterThanOrEqual(8)
      expect(remains, where).toMatch(/\.$/)
    }
})

test(
  'docs/benchmarks.md is what its results and declarations say',
  { timeout: 120_000 },
  async () => {
    const page = await readFile(new URL('../../../docs/benchmarks.md', import.meta.url), 'utf8')
    expect(page).toBe(documentOf(await declaredBenchmarks(), await readKeptResults()))
  },
)
