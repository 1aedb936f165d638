import { forkScript, ownScript, type ScriptEnd } from './fork-script.ts'
import type { FactoryPlace } from './make-factory.ts'

/** What a client process is to do. */
export interface ClientTask extends FactoryPlace {
  /** What it registers, of the service `orders`. */
  readonly id: string
  readonly ttlMs: number
  readonly callTimeoutMs: number
  readonly closeTimeoutMs: number
  /** Report only once the instance is registered. */
  readonly awaitRegistered: boolean
}

/** How a client process stands before it is told to close. */
export interface ClientReport {
  /** `listed`, or the code that `list` failed with. */
  readonly list: string
  /** After how long. */
  readonly listMs: number
  /** Of its registration. */
  readonly state: string
  /** The code of what its registration or its watcher fails with; `none` if they do not. */
  readonly cause: string
  /** Empty when it has none. */
  readonly sessionId: string
}

/** How a client process ended, and how long after it was told to close. */
export interface ClientEnd extends ScriptEnd {
  readonly ms: number
}

/** Another Node process with a registry: a registration and a watch. */
export interface ClientProcess extends AsyncDisposable {
  readonly report: ClientReport
  /** Tells it to close its registry; past the deadline it is killed. */
  close(deadlineMs: number): Promise<ClientEnd>
}

/**
 * Starts a process that registers, watches, lists, and closes its registry when it is told to. Nothing
 * ends it but that it runs out of things to do: what keeps it alive, or escapes from a callback, shows.
 */
export const forkClient = async (task: ClientTask): Promise<ClientProcess> => {
  const client = forkScript(ownScript('client-process'), 'client process', task)
  return {
    report: await client.message<ClientReport>(),
    close: async (deadlineMs) => {
      const began = performance.now()
      const end = await client.close(deadlineMs)
      return { ...end, ms: performance.now() - began }
    },
    [Symbol.asyncDispose]: () => client[Symbol.asyncDispose](),
  }
}
