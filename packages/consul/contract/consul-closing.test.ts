import { fork } from 'node:child_process'
import { once } from 'node:events'
import { idsOf, orders, soon } from '@sd/contract-tests/world'
import type { Server } from '@sd/contract-tests/servers'
import { consul, launch, provisionFor } from '@sd/test-servers'
import { describe, expect, test } from 'vitest'
import { graceMs, slackMs, ttlMs } from './registry-world.ts'
import { connect, httpOf } from './support.ts'

const controllable = (await provisionFor('consul')).how !== 'endpoint'
const closeTimeoutMs = 1_500

/** Registers in another process, runs `before`, and returns how the process ends. */
const leave = async (
  host: string,
  before: () => Promise<void>,
): Promise<{ readonly end: unknown; readonly ms: number }> => {
  const options = JSON.stringify({ endpoint: `http://${host}`, ttlMs, closeTimeoutMs })
  const child = fork(new URL('./leaving-process.ts', import.meta.url), [options], {
    execArgv: ['--conditions=@sd/source'],
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
  })
  let stderr = ''
  child.stderr?.on('data', (chunk: Buffer) => {
    stderr += chunk.toString()
  })
  const ended = once(child, 'close')
  const endWithUs = setTimeout(() => child.kill('SIGKILL'), 30_000)
  await Promise.race([once(child, 'message'), ended])
  await before()
  const began = performance.now()
  if (child.connected) child.send('close')
  const [code, signal] = (await ended) as unknown[]
  clearTimeout(endWithUs)
  return { end: { code, signal, stderr }, ms: performance.now() - began }
}

describe.runIf(controllable)('R11: a process ends by itself', () => {
  const clean = { code: 0, signal: null, stderr: '' }

  test('and its registration is removed; with the agent frozen or down it ends within its timeout', async () => {
    await using cluster = await launch(consul)
    const server = cluster.servers[0] as Server
    const host = httpOf(server)
    await using driver = connect(host, { namespace: 'leaving' })
    const well = await leave(host, async () => {
      expect(await idsOf(driver)).toEqual(['child'])
    })
    expect(well.end).toEqual(clean)
    expect(well.ms).toBeLessThan(slackMs)
    expect((await driver.list(orders, soon())).records).toEqual([])

    const frozen = await leave(host, () => server.pause())
    await server.resume()
    expect(frozen.end).toEqual(clean)
    expect(frozen.ms).toBeLessThan(closeTimeoutMs + slackMs)
    const deadline = performance.now() + ttlMs + graceMs + slackMs
    while ((await idsOf(driver)).length > 0) expect(performance.now()).toBeLessThan(deadline)

    const down = await leave(host, () => server.stop('kill'))
    expect(down.end).toEqual(clean)
    expect(down.ms).toBeLessThan(closeTimeoutMs + slackMs)
  })
})
