import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { createRegistry } from '@sd/registry'
import { WebSocketServer } from 'ws'
import { afterAll, describe, expect, test } from 'vitest'
import { serve } from './world.ts'

const root = new URL('../../../', import.meta.url)
const documents = ['docs/calling-http.md', 'packages/undici/README.md']

const snippets = (
  await Promise.all(
    documents.map(async (document) => {
      const text = await readFile(new URL(document, root), 'utf8')
      return [...text.matchAll(/```ts\n(.*?)```/gs)].map(
        ([, code = ''], index) => [document, index + 1, code] as const,
      )
    }),
  )
).flat()

// the documents assume a service `orders` in the default registry
const folder = await mkdtemp(join(tmpdir(), 'sd-documents-'))
const url = `sqlite://${folder}/registry.db`
const http = createServer((request, response) => {
  request.resume()
  response.setHeader('content-type', 'application/json')
  response.end(JSON.stringify({ hello: request.headers.host }))
})
new WebSocketServer({ server: http }).on('connection', (socket) => socket.send('hello orders.sd'))
const server = await serve(http)
const registry = await createRegistry(url)
await registry.register({ service: 'orders', endpoints: [server.endpoint] })

afterAll(async () => {
  await registry.close()
  await server.stop()
  await rm(folder, { recursive: true, force: true })
})

const run = (code: string): Promise<{ error: Error | null; output: string }> =>
  new Promise((resolve) => {
    const child = execFile(
      process.execPath,
      ['--conditions=@sd/source', '--input-type=module-typescript'],
      {
        cwd: fileURLToPath(new URL('..', import.meta.url)),
        env: { ...process.env, SD_URL: url },
        timeout: 30_000,
      },
      (error, stdout, stderr) => resolve({ error, output: stdout + stderr }),
    )
    child.stdin?.end(code)
  })

test('there is a recipe for each client', () => {
  const imported = snippets.map(([, , code]) => code).join('\n')
  for (const client of ['fetch(', "'undici'", "'got'", "'axios'", "'ky'", "'ws'", "'fastify'"])
    expect(imported).toContain(client)
})

describe('a snippet', () => {
  test.each(snippets)(
    'of %s, number %i, reaches the service',
    { timeout: 40_000 },
    async (...given) => {
      const { error, output } = await run(given[2])
      expect(error, output).toBeNull()
      expect(output).toMatch(/hello.*orders\.sd/)
    },
  )
})
