import { forkScript, type ScriptEnd } from '@sd/contract-tests/world'
import { clientTls } from '../test-tls.ts'

/** The task of a client process. */
export interface ProcessTask {
  readonly hosts: readonly string[]
  readonly sessionTimeoutMs: number
  readonly tls?: { readonly ca: string }
  readonly closeTimeoutMs: number
  readonly connects: boolean
  /** Sent once it is connected, if it waits for that. */
  readonly ephemeral: string
  /** When it reports, and may be asked to close. */
  readonly waitsUntil: 'connected' | 'ended' | 'nothing'
}

/** How a client process closed: the outcomes of its calls. */
export interface ProcessReport {
  readonly connected: string
  readonly how: string
  readonly again: string
  readonly closeMs: number
}

/** How it ended by itself. */
export interface ProcessEnd extends ProcessReport, ScriptEnd {
  /** From its last report until its end. */
  readonly exitMs: number
}

/** Another Node process with a client. */
export interface ClientProcess extends AsyncDisposable {
  /** The client's state when it reported. */
  readonly state: string
  close(deadlineMs: number): Promise<ProcessEnd>
}

export const forkClient = async (task: ProcessTask): Promise<ClientProcess> => {
  const script = new URL('./client-process.ts', import.meta.url)
  const client = forkScript(script, 'client process', { ...clientTls, ...task })
  return {
    state: await client.message<string>(),
    close: async (deadlineMs) => {
      const ended = client.close(deadlineMs)
      const report = await client.message<ProcessReport>()
      const began = performance.now()
      return { ...report, ...(await ended), exitMs: performance.now() - began }
    },
    [Symbol.asyncDispose]: () => client[Symbol.asyncDispose](),
  }
}
