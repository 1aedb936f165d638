import { fork } from 'node:child_process'
import { once } from 'node:events'
import type { InstanceInput } from '@sd/core'
import type { OwnerProcess } from './contract-harness.ts'

/** What the owner process needs to connect. */
export interface ForkOwnerOptions {
  /** URL of the module that makes the driver factory: it must not import anything of the tests. */
  readonly module: string
  /** Name of its export, a function from `config` to a driver factory. */
  readonly factory: string
  /** Handed to that function; must be JSON. */
  readonly config: unknown
  readonly instance: InstanceInput
  readonly ttlMs: number
}

/** Another Node process that registers `instance` and holds it until it is killed. */
export const forkOwner = async (options: ForkOwnerOptions): Promise<OwnerProcess> => {
  const script = new URL(
    import.meta.url.endsWith('.ts') ? './owner-process.ts' : './owner-process.js',
    import.meta.url,
  )
  const child = fork(script, [JSON.stringify(options)], {
    execArgv: import.meta.url.endsWith('.ts') ? ['--conditions=@sd/source'] : [],
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
  })
  const endWithUs = (): void => void child.kill('SIGKILL')
  process.once('exit', endWithUs)
  let stderr = ''
  child.stderr?.on('data', (chunk: Buffer) => {
    stderr += chunk.toString()
  })
  const exited = once(child, 'exit').then(() => process.removeListener('exit', endWithUs))
  const registered = once(child, 'message').then(() => 'registered' as const)
  const outcome = await Promise.race([registered, exited])
  if (outcome !== 'registered') throw new Error(`the owner process ended: ${stderr.slice(-2_000)}`)
  return {
    kill: async () => {
      child.kill('SIGKILL')
      await exited
    },
  }
}
