import { expect, test } from 'vitest'
import { addToBoundaries } from '../src/add-to-boundaries.ts'

const table = `const backendNames = ['memory', 'etcd'] as const
const others = [{ name: '@sd/gateway', folder: 'packages/gateway', mayImport: [core] }]`

test('a backend is added behind the others', () => {
  expect(addToBoundaries(table, 'my-store')).toEqual({
    result: 'added',
    table: table.replace("'etcd'", "'etcd', 'my-store'"),
  })
})

test('a backend that is listed stays as it is', () => {
  expect(addToBoundaries(table, 'etcd')).toEqual({ result: 'listed' })
})

test('a table broken over lines is understood', () => {
  const broken = "const backendNames = [\n  'memory',\n  'etcd',\n] as const"
  expect(addToBoundaries(broken, 'nats')).toMatchObject({
    table: "const backendNames = ['memory', 'etcd', 'nats'] as const",
  })
})

test("the name of another kind of package isn't taken", () => {
  expect(() => addToBoundaries(table, 'gateway')).toThrow('another kind')
})

test('a table of a shape that is not known is left alone, with the line to add', () => {
  expect(addToBoundaries('', 'nats')).toMatchObject({
    result: 'unknown-shape',
    line: expect.stringContaining("folder: 'packages/nats'") as string,
  })
})
