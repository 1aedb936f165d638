import type { AddressInfo } from 'node:net'
import { once } from 'node:events'
import { answering } from './answering.ts'

// One server, which runs until it is killed. Its parent asks for its port, and registers it.
const server = answering().listen(0, '127.0.0.1')
await once(server, 'listening')
process.on('message', () => {
  process.send?.((server.address() as AddressInfo).port)
})
