import { eventually } from '../eventually.ts'
import type { ServerSpec } from './server-spec.ts'

const deadlineMs = 60_000

/** A server that was just started, for {@link whenReady}. */
export interface StartedServer {
  readonly name: string
  readonly spec: ServerSpec
  readonly endpoints: Readonly<Record<string, string>>
  /** True once it has ended by itself: waiting is then pointless. */
  isGone(): boolean | Promise<boolean>
  logs(): Promise<string>
}

/**
 * Resolves once the server serves; rejects with the end of its log if it ends or misses the
 * deadline.
 */
export async function whenReady(server: StartedServer): Promise<void> {
  const { name, spec, endpoints } = server
  let gone = false
  try {
    await eventually(
      `${spec.name} ${name} serves`,
      deadlineMs,
      async () => (gone = await server.isGone()) || (await spec.ready(endpoints)),
    )
  } catch (error) {
    throw new Error(`${spec.name} ${name} did not serve in time:\n${await tail(server)}`, {
      cause: error,
    })
  }
  if (gone) throw new Error(`${spec.name} ${name} ended while it started:\n${await tail(server)}`)
}

async function tail(server: StartedServer): Promise<string> {
  return (await server.logs()).slice(-3000)
}
