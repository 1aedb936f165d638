import { createServer, type Server } from 'node:http'

/** A server that takes about 10 ms for each request, and reads its body. */
export const answering = (): Server =>
  createServer((request, response) => {
    request.resume()
    request.on('end', () => {
      setTimeout(() => response.end(`${request.method} ok`), 5 + Math.random() * 10)
    })
  })
