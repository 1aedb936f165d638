import { expect, test } from 'vitest'
import type { Benchmark } from '../src/frame/benchmark.ts'
import type { Measured } from '../src/frame/run-benchmark.ts'
import { summarize } from '../src/frame/statistics.ts'
import { baselineOf, bestOf, lossesOf } from '../src/report/baseline.ts'

const run = async () => ({})
const benchmark: Benchmark = {
  title: 'x',
  about: 'x',
  sides: { raw: { run }, '@sd': { run } },
  rows: {
    time: { what: 'time', unit: 'ms', goals: [{ side: '@sd', against: 'raw', atMost: 2 }] },
    bytes: { what: 'bytes', unit: 'bytes' },
    noise: { what: 'noise', unit: 'ms' },
  },
  quick: { rows: ['time', 'bytes'], samples: 3 },
}
const measured: Measured = {
  rows: {
    time: { raw: summarize([[2], [2]]), '@sd': summarize([[3], [3]]) },
    bytes: { raw: summarize([[10]]), '@sd': summarize([[40]]) },
    noise: { '@sd': summarize([[1]]) },
  },
  load: { loadAverage: 0 },
}

test('a row with a side to compare with contributes its ratio, another one its count', () => {
  expect(baselineOf('b', benchmark, measured)).toEqual({ 'b/time': 1.5, 'b/bytes': 40 })
})

test('a growth of more than a quarter is a loss, and a new row is none', () => {
  expect(lossesOf({ 'b/time': 1.5 }, { 'b/time': 1.87, 'b/new': 9 })).toEqual([])
  expect(lossesOf({ 'b/time': 1.5 }, { 'b/time': 1.88 })).toEqual([
    { row: 'b/time', before: 1.5, now: 1.88 },
  ])
})

test('a row that is measured again counts with its better result', () => {
  expect(bestOf({ a: 2, b: 1 }, { a: 1, c: 3 })).toEqual({ a: 1, b: 1, c: 3 })
})
