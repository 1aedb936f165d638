import { Worker } from 'node:worker_threads'
import { type DriverEvent, threadOptions } from '@sd/core/driver'
import { StoreError } from '../errors.ts'
import { failureOf } from '../worker/failure.ts'
import type { StoreApi, StoreOptions, StoreReply, StoreRequest } from '../worker/store-api.ts'

interface Pending {
  /** Whether the process waits for the answer. */
  readonly holds: boolean
  readonly resolve: (value: unknown) => void
  readonly reject: (error: Error) => void
}

const fromSource = import.meta.url.endsWith('.ts')
const script = new URL(`../worker/store-worker.${fromSource ? 'ts' : 'js'}`, import.meta.url)

/**
 * A thread that runs the store. It keeps the process alive only while a call is pending, other than one
 * that waits for changes; core decides what else does.
 */
export class StoreThread {
  readonly #worker: Worker
  readonly #exited: Promise<void>
  readonly #pending = new Map<number, Pending>()
  #calls = 0
  #holding = 0
  #ended: Error | undefined

  constructor(options: StoreOptions, report: (event: DriverEvent) => void) {
    this.#worker = new Worker(script, {
      workerData: options,
      ...threadOptions(script),
    })
    this.#worker.unref()
    this.#worker.on('message', (reply: StoreReply) => {
      if ('report' in reply) report(reply.report)
      else this.#settle(reply)
    })
    this.#worker.on('error', (error) => this.#end(new StoreError(failureOf(error))))
    this.#exited = new Promise((resolve) => {
      this.#worker.on('exit', () => {
        this.#end(
          new StoreError({
            message: "the driver's worker thread ended unexpectedly",
            registry: 'unavailable',
          }),
        )
        resolve()
      })
    })
  }

  /** Whether the thread no longer accepts calls. */
  get ended(): boolean {
    return this.#ended !== undefined
  }

  /** Throws a `StoreError`, or the error that ended the thread. */
  call<Method extends keyof StoreApi>(
    method: Method,
    args: Parameters<StoreApi[Method]>,
  ): Promise<ReturnType<StoreApi[Method]>> {
    const { promise, resolve, reject } = Promise.withResolvers<unknown>()
    if (this.#ended) reject(this.#ended)
    else {
      const id = ++this.#calls
      const holds = method !== 'follow'
      if (holds && this.#holding++ === 0) this.#worker.ref()
      this.#pending.set(id, { holds, resolve, reject })
      this.#post({ id, method, args })
    }
    return promise as Promise<ReturnType<StoreApi[Method]>>
  }

  /** Fails pending calls with `reason`; the thread ends its current call, then closes the file. */
  async close(reason: Error): Promise<void> {
    this.#end(reason)
    // keep the process alive until this resolves; the thread ends quickly
    this.#worker.ref()
    this.#post('close')
    await this.#exited
  }

  #post(request: StoreRequest): void {
    this.#worker.postMessage(request)
  }

  #settle(reply: Exclude<StoreReply, { report: DriverEvent }>): void {
    const pending = this.#pending.get(reply.id)
    // after `close`, an answer must not allow the process to exit before the thread does
    if (pending === undefined) return
    this.#pending.delete(reply.id)
    if (pending.holds && --this.#holding === 0) this.#worker.unref()
    if ('failure' in reply) pending.reject(new StoreError(reply.failure))
    else pending.resolve(reply.value)
  }

  #end(error: Error): void {
    this.#ended ??= error
    for (const { reject } of this.#pending.values()) reject(this.#ended)
    this.#pending.clear()
    this.#worker.unref()
  }
}
