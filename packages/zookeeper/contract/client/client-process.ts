import { createDriverContext } from '@sd/core/driver'
import { createZooKeeperClient } from '../../src/client/create-client.ts'
import type { ProcessTask } from './fork-client.ts'

// The body of the process that `forkClient` starts: connects, reports its state, and closes on
// request. It does not call exit: it must end when no work is left.
const task = JSON.parse(process.argv[2] ?? '{}') as ProcessTask

const escaped = (kind: string) => (error: unknown) => {
  process.stderr.write(`${kind}: ${error instanceof Error ? error.stack : String(error)}\n`)
  process.exitCode = 70
}
process.on('uncaughtException', escaped('uncaughtException'))
process.on('unhandledRejection', escaped('unhandledRejection'))

const client = createZooKeeperClient({
  hosts: task.hosts,
  ...(task.tls && { tls: task.tls }),
  sessionTimeoutMs: task.sessionTimeoutMs,
  context: createDriverContext(),
})
const settled = (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => 'done',
    (error: Error & { code?: unknown }) =>
      typeof error.code === 'string' ? error.code : error.name,
  )

const connected = task.connects
  ? settled(client.connect(AbortSignal.timeout(30_000)))
  : Promise.resolve('not asked')
if (task.waitsUntil === 'connected') {
  await connected
  await client.create(task.ephemeral, new Uint8Array(), 'ephemeral', AbortSignal.timeout(5_000))
}
if (task.waitsUntil === 'ended')
  await new Promise((resolve) => client.ended.addEventListener('abort', resolve))

process.send?.(client.state)
process.once('message', () => {
  const close = async (): Promise<void> => {
    const began = performance.now()
    const how = await settled(client.close(AbortSignal.timeout(task.closeTimeoutMs)))
    const closeMs = performance.now() - began
    const again = await settled(client.close(AbortSignal.timeout(task.closeTimeoutMs)))
    process.send?.({ connected: await connected, how, again, closeMs })
    process.disconnect()
  }
  void close()
})
