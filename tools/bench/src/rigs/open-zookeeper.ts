import zookeeper, { type Client, type Exception } from 'node-zookeeper-client'

/** Makes a call of `node-zookeeper-client` that ends with a callback. */
export const done = <T = void>(
  call: (callback: (error: Error | Exception | null, result: T) => void) => void,
): Promise<T> =>
  new Promise((resolve, reject) =>
    call((error, result) => (error ? reject(error) : resolve(result))),
  )

/** A connected client. */
export const openRawZooKeeper = async (endpoint: string): Promise<Client> => {
  const client = zookeeper.createClient(endpoint, { sessionTimeout: 10_000 })
  const connected = new Promise<void>((resolve) => client.once('connected', resolve))
  client.connect()
  await connected
  return client
}
