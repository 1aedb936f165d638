import { subscribe } from 'node:diagnostics_channel'
import type { Socket } from 'node:net'

const sockets: Socket[] = []
subscribe('net.client.socket', (message) => sockets.push((message as { socket: Socket }).socket))

/** The bytes that the sockets which this process opened have sent and received so far. */
export const wireBytes = (): number =>
  sockets.reduce((sum, socket) => sum + socket.bytesRead + socket.bytesWritten, 0)
