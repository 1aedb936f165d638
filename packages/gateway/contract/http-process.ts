import { createServer } from 'node:http'
import { httpServer, runService } from '@sd/lifecycle'
import { createRegistry } from '@sd/registry'
import { WebSocketServer } from 'ws'

// A service of HTTP and WebSockets that leaves in order on SIGTERM. Arguments: the registry's URL and
// an id. It tells its WebSocket clients to go when it drains.
const [url, id = ''] = process.argv.slice(2)
const server = createServer((request, response) => {
  request.resume()
  request.on('end', () => {
    setTimeout(() => response.end(`${request.method} ok`), 5 + Math.random() * 10)
  })
})
const sockets = new WebSocketServer({ server })
sockets.on('connection', (socket) => socket.on('message', (data) => socket.send(data)))
const service = await runService({
  registry: await createRegistry(url),
  instance: { service: 'orders', id },
  listen: httpServer(server, { host: '127.0.0.1' }),
  onDrain: () => {
    for (const client of sockets.clients) client.close(1_001)
  },
})
for await (const { state } of service.registration.statuses()) if (state === 'registered') break
console.log('registered')
