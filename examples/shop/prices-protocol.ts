import {
  credentials,
  makeClientConstructor,
  type requestCallback,
  type ServiceDefinition,
} from '@grpc/grpc-js'

/** What `PriceOf` is asked, and what it answers. */
export interface PriceRequest {
  readonly article: string
}
export interface Price {
  readonly cents: number
  /** Id of the instance that answered. */
  readonly instance: string
}

const serialize = (message: object): Buffer => Buffer.from(JSON.stringify(message))
const deserialize = (bytes: Buffer): object => JSON.parse(bytes.toString()) as object

/** The service `shop.Prices`, with JSON instead of protobuf so that nothing is generated. */
export const pricesDefinition = {
  priceOf: {
    path: '/shop.Prices/PriceOf',
    requestStream: false,
    responseStream: false,
    requestSerialize: serialize,
    requestDeserialize: deserialize,
    responseSerialize: serialize,
    responseDeserialize: deserialize,
  },
} satisfies ServiceDefinition

/** A client of `shop.Prices`. */
export interface PricesClient {
  /** Rejects with an error of grpc-js. */
  priceOf(article: string): Promise<Price>
  close(): void
}

const Client = makeClientConstructor(pricesDefinition, 'shop.Prices')

/** A client of the service at `target`: `sd:///prices`, or the address of a gateway. */
export const createPricesClient = (target: string): PricesClient => {
  const client = new Client(target, credentials.createInsecure()) as unknown as {
    priceOf(request: PriceRequest, callback: requestCallback<Price>): void
    close(): void
  }
  return {
    priceOf: (article) =>
      new Promise((resolve, reject) =>
        client.priceOf({ article }, (error, price) =>
          price === undefined ? reject(error ?? new Error('no answer')) : resolve(price),
        ),
      ),
    close: () => client.close(),
  }
}
