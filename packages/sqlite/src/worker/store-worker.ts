import { parentPort, workerData } from 'node:worker_threads'
import { failureOf } from './failure.ts'
import type { StoreApi, StoreOptions, StoreReply, StoreRequest } from './store-api.ts'
import { Store } from './store.ts'

// The worker thread that calls SQLite. Those calls are synchronous, and waiting for a lock or a
// disk must not block the application's event loop. The thread runs one call at a time.
const port = parentPort
if (port === null) throw new Error('store-worker is started as a worker thread')
const post = (reply: StoreReply): void => port.postMessage(reply)
const store = new Store(workerData as StoreOptions, (report) => post({ report }))

const run = (method: keyof StoreApi, args: readonly unknown[]): unknown =>
  (store[method] as (...given: readonly unknown[]) => unknown).apply(store, [...args])

const answer = async ({ id, method, args }: Exclude<StoreRequest, 'close'>): Promise<void> => {
  try {
    post({ id, value: await run(method, args) })
  } catch (error) {
    post({ id, failure: failureOf(error) })
  }
}

port.on('message', (request: StoreRequest) => {
  if (request === 'close') {
    store[Symbol.dispose]()
    port.close()
    return
  }
  void answer(request)
})
