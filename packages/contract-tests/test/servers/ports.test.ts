import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { expect, test } from 'vitest'
import { PortSlice } from '../../src/servers/ports.ts'

test('each worker has its own slice, below the ephemeral ports', async () => {
  const [one, two] = [new PortSlice(38, 299), new PortSlice(39, 299)]
  const first = [await one.reserve(), await one.reserve()]
  const second = [await two.reserve(), await two.reserve()]
  for (const port of first) expect(port >= 31_400 && port < 31_700).toBe(true)
  for (const port of second) expect(port >= 31_700 && port < 32_000).toBe(true)
})

test('a port without a listener is returned only once until it is released', async () => {
  const slice = new PortSlice(37, 0)
  const all = new Set<number>()
  for (let count = 0; count < 50; count++) all.add(await slice.reserve())
  expect(all.size).toBe(50)
  const [port = 0] = all
  expect(all.has(await new PortSlice(37, 0).reserve())).toBe(false)
  slice.release(all)
  expect(await new PortSlice(37, 0).reserve()).toBe(port)
})

test('a port that another process has claimed is skipped until that process ends', async () => {
  const claims = new URL('../../src/servers/port-claims.ts', import.meta.url).href
  const code = `import { claim } from '${claims}'
    claim(30_800)
    console.log('claimed')
    setInterval(() => {}, 1000)`
  const other = spawn(process.execPath, ['--input-type=module', '-e', code])
  await once(other.stdout, 'data')
  expect(await new PortSlice(36, 0).reserve()).not.toBe(30_800)
  other.kill('SIGKILL')
  await once(other, 'exit')
  expect(await new PortSlice(36, 0).reserve()).toBe(30_800)
})

test('a port with a listener is skipped', async () => {
  const slice = new PortSlice(35, 7)
  const taken = await slice.reserve()
  slice.release([taken])
  const server = createServer().listen(taken, '127.0.0.1')
  await once(server, 'listening')
  try {
    expect(await new PortSlice(35, 7).reserve()).not.toBe(taken)
  } finally {
    server.close()
  }
})
