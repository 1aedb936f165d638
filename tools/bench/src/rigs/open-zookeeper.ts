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

/** What the raw sides use of the client in `@sd/zookeeper`, which is not exported. */
interface OwnClient {
  connect(signal: AbortSignal): Promise<void>
  create(path: string, data: Uint8Array, kind: string, signal: AbortSignal): Promise<void>
  delete(path: string, version: number, signal: AbortSignal): Promise<void>
  multi(operations: readonly object[], signal: AbortSignal): Promise<unknown>
  get(path: string, signal: AbortSignal): Promise<{ readonly data: Uint8Array }>
  children(path: string, signal: AbortSignal): Promise<{ readonly names: readonly string[] }>
  addWatch(
    path: string,
    listener: (event: { readonly type: string; readonly path?: string }) => void,
    signal: AbortSignal,
  ): Promise<void>
}

/** The client in `@sd/zookeeper`, connected, without the rest of it. */
export const openOwnZooKeeper = async (
  endpoint: string,
  signal: AbortSignal,
): Promise<OwnClient> => {
  const { createDriverContext } = await import('@sd/core/driver')
  const file = new URL('client/create-client.js', import.meta.resolve('@sd/zookeeper'))
  const { createZooKeeperClient } = (await import(file.href)) as {
    readonly createZooKeeperClient: (options: object) => OwnClient
  }
  const context = createDriverContext()
  const client = createZooKeeperClient({ hosts: [endpoint], sessionTimeoutMs: 10_000, context })
  await client.connect(signal)
  return client
}
