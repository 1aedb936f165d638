import { expect, test } from 'vitest'
import { packageOf, reportOf } from '../src/report/read-profile.ts'

const root = new URL('../../../', import.meta.url).href
const frame = (functionName: string, url: string, lineNumber = 0) => ({
  functionName,
  url,
  lineNumber,
})

test('a file belongs to its package', () => {
  expect(packageOf(`${root}packages/core/dist/registry.js`, 'register')).toBe('@sd/core')
  expect(packageOf(`${root}node_modules/@grpc/grpc-js/build/x.js`, 'f')).toBe('@grpc/grpc-js')
  expect(packageOf(`${root}node_modules/a/node_modules/b/x.js`, 'f')).toBe('b')
  expect(packageOf('node:internal/http2/core', 'f')).toBe('node')
  expect(packageOf('', '(garbage collector)')).toBe('garbage collection')
  expect(packageOf(`${root}tools/bench/src/main.ts`, 'f')).toBe('the benchmark')
})

test('shares are of the busy time, by package and by function with its line', () => {
  const report = reportOf([
    {
      nodes: [
        { id: 1, callFrame: frame('(idle)', '') },
        { id: 2, callFrame: frame('register', `${root}packages/core/dist/registry.js`, 9) },
        { id: 3, callFrame: frame('(garbage collector)', '') },
      ],
      samples: [1, 2, 3, 2],
      timeDeltas: [5_000, 2_000, 1_000, 1_000],
    },
  ])
  expect(report.busyMs).toBe(4)
  expect(report.packages).toEqual([
    { name: '@sd/core', share: 0.75 },
    { name: 'garbage collection', share: 0.25 },
  ])
  expect(report.functions[0]).toEqual({
    name: 'register packages/core/dist/registry.js:10',
    share: 0.75,
  })
})
