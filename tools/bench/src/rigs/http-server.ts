import { spawn } from 'node:child_process'
import { once } from 'node:events'

const program = `
  const server = require('node:http').createServer((request, response) => {
    request.resume()
    response.end('{"ok":true}')
  })
  server.listen(0, '127.0.0.1', () => process.send(server.address().port))
  process.on('disconnect', () => process.exit())
`

/** Starts a server in its own process, so that its work counts for no side; returns its port. */
export const startHttpServer = async (): Promise<number> => {
  const child = spawn(process.execPath, ['-e', program], {
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  })
  const [port] = (await once(child, 'message')) as [number]
  return port
}
