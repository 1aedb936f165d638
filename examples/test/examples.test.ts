import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, test, vi } from 'vitest'
import { privateState } from './private-state.ts'

const fileOf = (name: string): string => fileURLToPath(new URL(`../${name}`, import.meta.url))
const env = privateState()

// each starts a program
vi.setConfig({ testTimeout: 30_000 })

test('http-service.ts discovers itself through the registry, and ends', async () => {
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ['--conditions=@sd/source', fileOf('http-service.ts')],
    { env, timeout: 20_000 },
  )
  expect(stdout).toMatch(/says hello/)
})

test('outage-in-a-test.ts observes an outage of the registry and its end', async () => {
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ['--conditions=@sd/source', fileOf('outage-in-a-test.ts')],
    { env, timeout: 20_000 },
  )
  expect(stdout).toBe('stale with 1 instance kept\nsync with 1\n')
})

test('swap-backend.ts prints the events that it received', async () => {
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ['--conditions=@sd/source', fileOf('swap-backend.ts'), 'memory:', 'sqlite:'],
    { env, timeout: 20_000 },
  )
  const seen = 'listed a; added a weight 100; updated a weight 5; removed a weight 5'
  expect(stdout).toBe(`memory: ${seen}\nsqlite: ${seen}\n`)
})

test('register-and-watch.ts watches itself, and deregisters when it is interrupted', async () => {
  const child = spawn(
    process.execPath,
    ['--conditions=@sd/source', fileOf('register-and-watch.ts'), 'orders'],
    { env, stdio: ['ignore', 'pipe', 'inherit'] },
  )
  let output = ''
  for await (const chunk of child.stdout.setEncoding('utf8')) {
    output += String(chunk)
    if (output.includes('added')) child.kill('SIGINT')
  }
  const [code] = child.exitCode === null ? await once(child, 'exit') : [child.exitCode]
  expect(output).toMatch(/registered orders\/.+\nadded /)
  expect(code).toBe(0)
})
