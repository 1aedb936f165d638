import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

/** The options of a client process. */
export interface ClientOptions {
  readonly path: string
  readonly namespace: string
  readonly ttlMs: number
  /** The user and group that the process changes to, and its other groups; as root only. */
  readonly runAs?: { readonly uid: number; readonly gid: number; readonly groups: number[] }
}

/**
 * A change that a client's watcher delivered, with its time on the clock that all processes share.
 */
export interface Seen {
  readonly type: 'added' | 'updated' | 'removed'
  readonly id: string
  readonly weight: number
  readonly atMs: number
}

/** The commands of a client process, on the service `orders`. */
export interface ClientCommands {
  /** Each with as many bytes of metadata as `bytes` says. */
  register(
    ids: readonly string[],
    bytes?: number,
  ): Promise<{ readonly beganMs: number; readonly doneMs: number }>
  update(id: string, weight: number): Promise<string>
  list(): Promise<readonly string[]>
  /** The status of each registration, with the code of its cause. */
  states(): Promise<readonly string[]>
  /** From the first event on, changes are added to `seen`. */
  watch(): Promise<void>
  /** The longest time that the event loop was blocked since the last request. */
  longestBlockMs(): Promise<number>
  close(): Promise<void>
}

type Reply =
  | 'ready'
  | { readonly changes: readonly Seen[] }
  | { readonly id: number; readonly value?: unknown; readonly failure?: string }

/** Another process with a registry on a file. */
export class ClientProcess implements AsyncDisposable {
  readonly seen: Seen[] = []
  readonly #child: ChildProcess
  readonly #exited: Promise<{ readonly code: number | null; readonly signal: string | null }>
  readonly #waiting = new Map<number, PromiseWithResolvers<unknown>>()
  readonly #ready = Promise.withResolvers<void>()
  #calls = 0
  #stderr = ''

  constructor(child: ChildProcess) {
    this.#child = child
    const endWithUs = (): void => void child.kill('SIGKILL')
    process.once('exit', endWithUs)
    child.stderr?.on('data', (chunk: Buffer) => {
      this.#stderr += chunk.toString()
    })
    child.on('message', (reply: Reply) => this.#take(reply))
    this.#exited = once(child, 'close').then(([code, signal]) => {
      process.removeListener('exit', endWithUs)
      const error = new Error(`the client process ended: ${this.#stderr}`)
      this.#ready.reject(error)
      for (const { reject } of this.#waiting.values()) reject(error)
      return { code: code as number | null, signal: signal as string | null }
    })
  }

  get stderr(): string {
    return this.#stderr
  }

  ready(): Promise<void> {
    return this.#ready.promise
  }

  async call<Name extends keyof ClientCommands>(
    name: Name,
    ...args: Parameters<ClientCommands[Name]>
  ): Promise<Awaited<ReturnType<ClientCommands[Name]>>> {
    const id = ++this.#calls
    const waiting = Promise.withResolvers<unknown>()
    this.#waiting.set(id, waiting)
    this.#child.send({ id, name, args })
    return (await waiting.promise) as Awaited<ReturnType<ClientCommands[Name]>>
  }

  signal(signal: 'SIGKILL' | 'SIGSTOP' | 'SIGCONT'): void {
    this.#child.kill(signal)
  }

  /** How it ended, by itself or not. */
  exited(): Promise<{ readonly code: number | null; readonly signal: string | null }> {
    return this.#exited
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill('SIGKILL')
    await this.#exited
  }

  #take(reply: Reply): void {
    if (reply === 'ready') this.#ready.resolve()
    else if ('changes' in reply) this.seen.push(...reply.changes)
    else {
      const waiting = this.#waiting.get(reply.id)
      this.#waiting.delete(reply.id)
      if (reply.failure === undefined) waiting?.resolve(reply.value)
      else waiting?.reject(new Error(reply.failure))
    }
  }
}

const script = fileURLToPath(new URL('./client-process.ts', import.meta.url))

/** The conditions under which a client process runs. */
export interface ClientSurroundings {
  /**
   * It may write no file beyond that many blocks of 512 bytes (`ulimit -f`), as if the disk were
   * full then.
   */
  readonly fileBlocks?: number
  /** Added to its environment. */
  readonly env?: Readonly<Record<string, string>>
}

/** Starts a client process. */
export const forkClient = async (
  options: ClientOptions,
  { fileBlocks, env }: ClientSurroundings = {},
): Promise<ClientProcess> => {
  const node = [process.execPath, '--conditions=@sd/source', script, JSON.stringify(options)]
  const limit = fileBlocks === undefined ? '' : `ulimit -f ${fileBlocks} && `
  const stdio = ['ignore', 'ignore', 'pipe', 'ipc'] as const
  const child = spawn('sh', ['-c', `${limit}exec "$@"`, 'sh', ...node], {
    stdio: [...stdio],
    env: { ...process.env, ...env },
  })
  const client = new ClientProcess(child)
  await client.ready()
  return client
}
