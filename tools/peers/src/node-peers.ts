import { fileURLToPath } from 'node:url'
import type { PeerProgram } from './peer-program.ts'

/** The program of `tools/peers/src/node`, which needs no build. */
export const nodePeers: Extract<PeerProgram, { command: unknown }> = {
  command: [process.execPath, fileURLToPath(new URL('node/main.ts', import.meta.url))],
}
