import { threadOptions } from '@sd/core/driver'
import { afterEach, expect, test, vi } from 'vitest'

const script = new URL('file:///app/thread.js')

afterEach(() => {
  vi.unstubAllEnvs()
  Reflect.deleteProperty(process.versions, 'pnp')
})

test.each([
  ['--import ./tracing.mjs', ''],
  ['--permission --import=./a.mjs --allow-fs-read=/srv', '--permission --allow-fs-read=/srv'],
  ['-r ./a.cjs --require ./b.cjs --use-system-ca', '--use-system-ca'],
  ['--import "./a b.mjs" --title="c --import d"', '--title="c --import d"'],
  [
    String.raw`--require "./a \"b\" c.cjs" --import=file:///"d e".mjs --no-warnings`,
    '--no-warnings',
  ],
])('a thread with the NODE_OPTIONS %s gets %s', (nodeOptions, expected) => {
  vi.stubEnv('NODE_OPTIONS', nodeOptions)
  vi.stubEnv('SSL_CERT_FILE', '/etc/ca.pem')
  expect(threadOptions(script).env).toMatchObject({
    NODE_OPTIONS: expected,
    SSL_CERT_FILE: '/etc/ca.pem',
  })
  expect(process.env).toHaveProperty('NODE_OPTIONS', nodeOptions)
})

test("a thread keeps the preload by which Yarn Plug'n'Play finds modules", () => {
  vi.stubEnv('NODE_OPTIONS', '--require ./.pnp.cjs')
  Object.assign(process.versions, { pnp: '3' })
  expect(threadOptions(script).env).toHaveProperty('NODE_OPTIONS', '--require ./.pnp.cjs')
})

test('a thread that is started from a source imports sources', () => {
  const conditions = '--conditions=@sd/source'
  expect(threadOptions(script).execArgv).not.toContain(conditions)
  expect(threadOptions(new URL('file:///app/thread.ts')).execArgv).toContain(conditions)
})
