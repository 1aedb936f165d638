/**
 * Runs the discovery libraries of other fleets as programs, for tests and measurements on real servers.
 * @module
 */
export { goPeers } from './go-peers.ts'
export { javaPeers } from './java-peers.ts'
export type { PeerInstance } from './peer-instance.ts'
export { type PeerOptions, PeerRegistrar, PeerWatcher } from './peer-process.ts'
export type { PeerProgram } from './peer-program.ts'
