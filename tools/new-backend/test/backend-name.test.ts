import { expect, test } from 'vitest'
import { parseBackendName } from '../src/backend-name.ts'

test('a name is converted to every spelling', () => {
  expect(parseBackendName('my-2nd-store')).toEqual({
    name: 'my-2nd-store',
    factory: 'my2ndStore',
    type: 'My2ndStore',
    env: 'MY_2ND_STORE',
  })
  expect(parseBackendName('nats')).toMatchObject({ factory: 'nats', type: 'Nats' })
})

test.each([
  '',
  'My',
  '2nd',
  'a_b',
  'a--b',
  '-a',
  'a-',
  '../etcd',
  'a/b',
  'a b',
  'é',
  'a'.repeat(41),
])('refuses %j, and says what is accepted', (name) => {
  expect(() => parseBackendName(name)).toThrow(
    /^".*" is not a valid name of a backend; expected lower-/,
  )
})

test.each(['delete', 'class', 'await', 'let', 'eval', 'static'])(
  'refuses %s, which cannot name a factory',
  (name) => {
    expect(() => parseBackendName(name)).toThrow(`"${name}" is a reserved word`)
  },
)
