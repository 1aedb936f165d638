import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { connect } from 'node:net'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'

const program = fileURLToPath(new URL('programs/service.ts', import.meta.url))

interface Running {
  readonly port: number
  readonly kill: (signal: NodeJS.Signals) => void
  readonly ended: Promise<{ readonly code: number | null; readonly lines: readonly string[] }>
}

const start = async (manner = ''): Promise<Running> => {
  const child = spawn(process.execPath, ['--conditions=@sd/source', program, manner], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const lines: string[] = []
  const ended = once(child, 'close').then(([code]) => ({ code: code as number | null, lines }))
  const reader = createInterface(child.stdout)
  const port = await new Promise<number>((resolve, reject) => {
    void ended.then(() => reject(new Error(`it ended: ${lines.join()}`)))
    reader.on('line', (line) => {
      lines.push(line)
      if (line.startsWith('listening ')) resolve(Number(line.slice('listening '.length)))
    })
  })
  return { port, kill: (signal) => child.kill(signal), ended }
}

const ending = ['deregister', 'propagate', 'drain', 'close']

describe('a service as a process', () => {
  test.each(['SIGTERM', 'SIGINT'] as const)('ends in order and with 0 on %s', async (signal) => {
    const service = await start()
    const keptAlive = connect(service.port, '127.0.0.1')
    keptAlive.write('GET / HTTP/1.1\r\nhost: orders\r\n\r\n')
    await once(keptAlive, 'data')
    const silent = connect(service.port, '127.0.0.1')
    await once(silent, 'connect')
    service.kill(signal)
    const { code, lines } = await service.ended
    expect(code).toBe(0)
    expect(lines.slice(lines.indexOf('deregister'))).toEqual(ending)
    for (const socket of [keptAlive, silent]) socket.destroy()
  })

  test('exits although a timer is still set', async () => {
    const service = await start('forget')
    service.kill('SIGTERM')
    expect((await service.ended).code).toBe(0)
  })

  test('ends with 1 when a phase failed', async () => {
    const service = await start('fail')
    service.kill('SIGTERM')
    expect((await service.ended).code).toBe(1)
  })

  test('ends at once on the second signal, with the exit status of that signal', async () => {
    const service = await start()
    const hanging = connect(service.port, '127.0.0.1').on('error', () => {})
    hanging.write('GET /hang HTTP/1.1\r\nhost: orders\r\n\r\n')
    service.kill('SIGTERM')
    // it continues to serve, and waits up to 10 s for the request that hangs
    const again = setInterval(() => service.kill('SIGINT'), 50)
    expect((await service.ended).code).toBe(128 + 2)
    clearInterval(again)
    hanging.destroy()
  })

  test('deregisters before an uncaught exception ends it', async () => {
    const { code, lines } = await (await start('throw')).ended
    expect(code).toBe(1)
    expect(lines.slice(lines.indexOf('deregister'))).toEqual(ending)
  })
})
