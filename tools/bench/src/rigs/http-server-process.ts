import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { answerUse } from './process-use.ts'

// A server with a small answer. Tells its port.
const server = createServer((request, response) => {
  request.resume()
  response.end('{"ok":true}')
})
server.listen(0, '127.0.0.1', () => process.send?.((server.address() as AddressInfo).port))
answerUse()
