export { goPeers } from './go-peers.ts'
export { javaPeers } from './java-peers.ts'
