// An HTTP service that asks another service, by name, over gRPC.
import { createServer, type ServerResponse } from 'node:http'
import { registerResolver } from '@sd/grpc'
import { httpServer, runService } from '@sd/lifecycle'
import { createRegistry } from '@sd/registry'
import { createPricesClient } from './prices-protocol.ts'

const instance = `orders-${process.pid}`
const registry = await createRegistry()
registerResolver(registry, { retry: true })
const prices = createPricesClient('sd:///prices')

const answer = async (url: string, response: ServerResponse): Promise<void> => {
  try {
    const article = decodeURIComponent(url.split('/')[2] ?? '')
    const price = await prices.priceOf(article)
    const order = { article, cents: price.cents, orders: instance, prices: price.instance }
    response.setHeader('content-type', 'application/json')
    response.end(`${JSON.stringify(order)}\n`)
  } catch (error) {
    response.writeHead(502).end(`${(error as Error).message}\n`)
  }
}

const server = createServer((request, response) => {
  request.resume()
  void answer(request.url ?? '', response)
})

await runService({
  registry,
  instance: { service: 'orders', id: instance },
  listen: httpServer(server, { host: '127.0.0.1' }),
  onStop: () => prices.close(),
})
