import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { createRegistry } from '@sd/registry'
import { consul, etcd, provideServers, zookeeper } from '@sd/test-servers'
import { expect, onTestFinished, test } from 'vitest'
import { freePort } from '../shop/shop.ts'

const program = fileURLToPath(new URL('../shop/main.ts', import.meta.url))

const start = (
  args: readonly string[],
  url: string,
): { child: ChildProcess; text: () => string } => {
  const child = spawn(process.execPath, ['--conditions=@sd/source', program, ...args], {
    env: { ...process.env, SD_URL: url },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  onTestFinished(() => void child.kill())
  let text = ''
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (chunk: string) => (text += chunk))
  return { child, text: () => text }
}

interface Restarted {
  readonly code: number
  readonly replaced: number
  readonly report: string | undefined
}

const rollingRestart = async (url: string): Promise<Restarted> => {
  const { child, text } = start(['--restart', '--port', String(await freePort())], url)
  const [code] = (await once(child, 'exit')) as [number]
  if (code !== 0) process.stderr.write(text())
  return {
    code,
    replaced: text().match(/^replaced /gm)?.length ?? 0,
    report: /^\d+ requests answered, .*$/m.exec(text())?.[0],
  }
}

/** Six instances replaced, and no request failed. */
const lossless = {
  code: 0,
  replaced: 6,
  report: expect.stringMatching(/^[1-9]\d+ requests answered, 0 failed$/) as string,
}

const inFolder = async <T>(work: (url: string) => Promise<T>): Promise<T> => {
  const folder = await mkdtemp(join(tmpdir(), 'sd-shop-'))
  try {
    return await work(`sqlite://${folder}/registry.db`)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

// a restart starts and stops six processes, on a machine that may be busy
const timeout = 150_000

test(
  'the shop loses no request in a rolling restart, on the embedded default',
  { timeout },
  async () => {
    expect(await inFolder(rollingRestart)).toEqual(lossless)
  },
)

test.each([
  ['etcd', etcd],
  ['zookeeper', zookeeper],
  ['consul', consul],
] as const)(
  'the shop loses no request in a rolling restart, on %s',
  { timeout },
  async (...given) => {
    const [scheme, spec] = given
    await using servers = await provideServers(spec)
    const url = `${scheme}://${servers.endpoints.join(',')}/shop-${process.pid}`
    expect(await rollingRestart(url)).toEqual(lossless)
  },
)

test('the shop answers with its figures until it is interrupted', { timeout }, () =>
  inFolder(async (url) => {
    const port = await freePort()
    const { child, text } = start(['--port', String(port)], url)
    await expect.poll(text, { timeout: 60_000 }).toContain('Ctrl-C closes it.')
    const order = await fetch(`http://127.0.0.1:${port}/orders/pen`)
    expect(await order.json()).toMatchObject({ article: 'pen', cents: 300 })
    const figures = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text()
    expect(figures).toMatch(/^sd_gateway_requests_total\{.*sd_service="orders".*\} [1-9]/m)
    expect(figures).toMatch(/^sd_watch_entries\{.*sd_service="orders".*\} 2$/m)
    child.kill('SIGINT')
    const [code] = (await once(child, 'exit')) as [number]
    expect(code).toBe(0)
    await expect(fetch(`http://127.0.0.1:${port}/`)).rejects.toThrow('fetch failed')
  }),
)

test('an interrupted restart fails, and leaves no process', { timeout }, () =>
  inFolder(async (url) => {
    const port = await freePort()
    const { child, text } = start(['--restart', '--port', String(port)], url)
    await expect.poll(text, { timeout: 60_000 }).toMatch(/^replaced process \d+ of orders;/m)
    child.kill('SIGINT')
    const [code] = (await once(child, 'exit')) as [number]
    expect(text()).toContain('interrupted')
    expect(code).toBe(1)
    await expect(fetch(`http://127.0.0.1:${port}/`)).rejects.toThrow('fetch failed')
    await using registry = await createRegistry(url)
    expect(await registry.listServices()).toEqual([])
  }),
)
