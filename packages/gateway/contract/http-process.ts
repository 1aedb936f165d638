import { createServer } from 'node:http'
import { httpServer } from '@sd/lifecycle'
import { WebSocketServer } from 'ws'
import { runOrders } from './run-orders.ts'

// A service of HTTP and WebSockets. It tells its WebSocket clients to go when it drains.
const server = createServer((request, response) => {
  request.resume()
  request.on('end', () => {
    setTimeout(() => response.end(`${request.method} ok`), 5 + Math.random() * 10)
  })
})
const sockets = new WebSocketServer({ server })
sockets.on('connection', (socket) => socket.on('message', (data) => socket.send(data)))
await runOrders({
  listen: httpServer(server, { host: '127.0.0.1' }),
  onDrain: () => {
    for (const client of sockets.clients) client.close(1_001)
  },
})
