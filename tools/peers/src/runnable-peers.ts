import { provisionFor, wantedServers } from '@sd/test-servers'
import { type KnownPeer, knownPeers } from './known-peers.ts'

/** A peer whose server this run provides. */
export interface RunnablePeer extends KnownPeer {
  /** The command of its program; empty if that is missing. */
  readonly command: readonly string[]
  /** What to install, for the name of the skipped tests; `undefined` if nothing. */
  readonly missing: string | undefined
}

/**
 * The peers of the servers that this run starts itself, as they store records that nobody else may see.
 * Builds their programs.
 */
export const runnablePeers = async (): Promise<readonly RunnablePeer[]> => {
  const controlled = await Promise.all(
    wantedServers().map(async ({ name }) =>
      (await provisionFor(name)).how === 'endpoint' ? [] : [name],
    ),
  )
  const backends = new Set(controlled.flat())
  return Promise.all(
    knownPeers
      .filter(({ backend }) => backends.has(backend))
      .map(async (peer) => {
        const program = await peer.program()
        return 'missing' in program
          ? { ...peer, command: [], missing: program.missing }
          : { ...peer, command: program.command, missing: undefined }
      }),
  )
}
