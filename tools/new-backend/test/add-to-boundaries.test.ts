import { expect, test } from 'vitest'
import { addToBoundaries } from '../src/add-to-boundaries.ts'

const table = `const backendNames = ['memory', 'etcd'] as const
const others = [{ name: '@sd/gateway', folder: 'packages/gateway', mayImport: [core] }]`

test('a backend is added after the others', () => {
  expect(addToBoundaries(table, 'my-store')).toEqual({
    result: 'added',
    table: table.replace("'etcd'", "'etcd', 'my-store'"),
  })
})

test('a listed backend is not changed', () => {
  expect(addToBoundaries(table, 'etcd')).toEqual({ result: 'listed' })
})

test('a table over several lines is parsed', () => {
  const broken = "const backendNames = [\n  'memory',\n  'etcd',\n] as const"
  expect(addToBoundaries(broken, 'nats')).toMatchObject({
    table: "const backendNames = ['memory', 'etcd', 'nats'] as const",
  })
})

test('the name of another kind of package is refused', () => {
  expect(() => addToBoundaries(table, 'gateway')).toThrow('another kind')
})

test('a table of an unknown form is not changed, and the line to add is returned', () => {
  expect(addToBoundaries('', 'nats')).toMatchObject({
    result: 'unknown-shape',
    line: expect.stringContaining("folder: 'packages/nats'") as string,
  })
})
