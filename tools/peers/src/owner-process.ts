import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { createRegistry } from '@sd/registry'

/** A process that registers one instance through `@sd`. */
export interface OwnerProcess extends AsyncDisposable {
  /** Ends it with SIGKILL. */
  kill(): Promise<void>
}

/** Starts this file as a process; resolves when the instance is registered. */
export const startOwner = async (
  url: string,
  ttlMs: number,
  instance: object,
): Promise<OwnerProcess> => {
  const script = fileURLToPath(import.meta.url)
  const child = spawn(
    process.execPath,
    ['--conditions=@sd/source', script, url, String(ttlMs), JSON.stringify(instance)],
    { stdio: ['pipe', 'pipe', 'inherit'] },
  )
  const exited = once(child, 'exit')
  const kill = async (): Promise<void> => {
    child.kill('SIGKILL')
    await exited
  }
  await Promise.race([
    once(child.stdout, 'data'),
    exited.then(() => Promise.reject(new Error('the owner ended before it registered'))),
  ])
  return { kill, [Symbol.asyncDispose]: kill }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [, , url = '', ttlMs, instance = ''] = process.argv
  const registry = await createRegistry({ url, ttlMs: Number(ttlMs) })
  await registry.register(JSON.parse(instance) as Parameters<typeof registry.register>[0])
  process.stdout.write('registered\n')
  process.stdin.resume().on('end', () => process.exit(0)) // with the process that started it
}
