import { expect, test } from 'vitest'
import { parseBackendName } from '../src/backend-name.ts'

test('a name is known in every spelling', () => {
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
])('refuses %j, saying what is accepted', (name) => {
  expect(() => parseBackendName(name)).toThrow(/^".*" is no name for a backend; expected lower-/)
})

test.each(['delete', 'class', 'await', 'let', 'eval', 'static'])(
  'refuses %s, which no factory can be named',
  (name) => {
    expect(() => parseBackendName(name)).toThrow(`"${name}" is a word of the language`)
  },
)
