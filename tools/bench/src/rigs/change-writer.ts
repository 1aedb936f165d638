import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import type { World } from '../frame/benchmark.ts'

/** What the writer is to change. */
export interface ChangeOrder {
  /** Written into each change, so that those of an earlier order are recognized. */
  readonly round: number
  readonly count: number
  /** The pause after each change, in each of the writers at a time. */
  readonly everyMs: number
  readonly atATime: number
  /** The changed keys: `<prefix>i<index>`, of `instances` indexes in turn, and of the prefixes in turn. */
  readonly keyOf: {
    readonly prefixes: readonly string[]
    readonly index: number
    readonly instances: number
  }
}

/** A process that changes instances on etcd or ZooKeeper with a raw client. */
export class ChangeWriter {
  readonly #child: ChildProcess

  constructor({ endpoint }: World, server: 'etcd' | 'zookeeper' = 'etcd') {
    const program = new URL('change-writer-process.ts', import.meta.url)
    this.#child = fork(program, [server, endpoint], { execArgv: ['--no-warnings'] })
  }

  /** Resolves when all changes are stored. */
  async write(order: ChangeOrder): Promise<void> {
    const written = once(this.#child, 'message')
    this.#child.send(order)
    await written
  }
}

/** What a watcher in this process was told of the changes of one order. */
export class ToldChanges {
  /** How long each took, from before it was sent. */
  tookMs: number[] = []
  #round = 0
  #last = Number.POSITIVE_INFINITY
  #whole = Promise.withResolvers<void>()

  /** Begins an order of `count` changes. */
  expect(count: number): { readonly round: number; readonly whole: Promise<void> } {
    this.tookMs = []
    this.#round += 1
    this.#last = count - 1
    this.#whole = Promise.withResolvers()
    return { round: this.#round, whole: this.#whole.promise }
  }

  /** The watcher was told of an instance with this metadata. */
  change({ round, number, sentNs = '0' }: Readonly<Record<string, string>>): void {
    if (Number(round) !== this.#round) return
    this.tookMs.push(Number(process.hrtime.bigint() - BigInt(sentNs)) / 1e6)
    // earlier ones may be merged into later ones
    if (Number(number) === this.#last) this.#whole.resolve()
  }
}
