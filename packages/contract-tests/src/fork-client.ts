import { forkScript, ownScript, type ScriptEnd } from './fork-script.ts'
import type { FactoryPlace } from './make-factory.ts'

/** The task of a client process. */
export interface ClientTask extends FactoryPlace {
  /** The instance to register, of the service `orders`. */
  readonly id: string
  readonly ttlMs: number
  readonly callTimeoutMs: number
  readonly closeTimeoutMs: number
  /** Report only once the instance is registered. */
  readonly awaitRegistered: boolean
}

/** The state of a client process before it is asked to close. */
export interface ClientReport {
  /** `listed`, or the code that `list` failed with. */
  readonly list: string
  /** How long `list` took. */
  readonly listMs: number
  /** The status of its registration. */
  readonly state: string
  /** The error code of its registration or its watcher; `none` if they do not fail. */
  readonly cause: string
  /** Empty when it has none. */
  readonly sessionId: string
}

/** How a client process ended, and how long after the request to close. */
export interface ClientEnd extends ScriptEnd {
  readonly ms: number
}

/** Another Node process with a registry: a registration and a watch. */
export interface ClientProcess extends AsyncDisposable {
  readonly report: ClientReport
  /** Asks it to close its registry; past the deadline it is killed. */
  close(deadlineMs: number): Promise<ClientEnd>
}

/**
 * Starts a process that registers, watches, lists, and closes its registry on request. It does not
 * call exit, which exposes anything that keeps the process alive or escapes from a callback.
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
