import { fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Registry } from '@sd/core'
import { sqlite } from '@sd/sqlite'
import type { Benchmark, Side, Values } from '../frame/benchmark.ts'

const [warmUp, changes] = [10, 40]
const pauseMs = 40

/** What a watching process reports of one change: the number, the time it took, its CPU time so far. */
interface Seen {
  readonly number: number
  readonly tookMs: number
  readonly cpuMs: number
}

const measure = async (processes: number): Promise<Values> => {
  const folder = await mkdtemp(join(tmpdir(), 'sd-bench-'))
  const path = join(folder, 'registry.db')
  const registry = new Registry(sqlite({ path }))
  const registration = await registry.register({
    service: 'orders',
    endpoints: ['http://10.0.0.1:80'],
  })
  const program = new URL('../rigs/sqlite-watcher-process.ts', import.meta.url)
  const tookMs: number[] = []
  let cpuMs = 0
  let pending = 0
  let all = Promise.withResolvers<void>()
  const children = Array.from({ length: processes }, () =>
    fork(program, [path], { execArgv: ['--no-warnings'] }),
  )
  try {
    await Promise.all(children.map((child) => once(child, 'message')))
    for (const child of children)
      child.on('message', (seen: Seen) => {
        if (seen.number >= warmUp) tookMs.push(seen.tookMs)
        cpuMs += seen.cpuMs
        pending -= 1
        if (pending === 0) all.resolve()
      })
    for (let number = 0; number < warmUp + changes; number += 1) {
      if (number === warmUp) cpuMs = 0
      all = Promise.withResolvers()
      pending = processes
      const sentNs = String(process.hrtime.bigint())
      await registration.update({ metadata: { number: String(number), sentNs } })
      await all.promise
      await sleep(pauseMs)
    }
  } finally {
    const exited = children.map((child) => once(child, 'exit'))
    for (const child of children) child.disconnect()
    // they would report the removal, too
    await Promise.all(exited)
    await registry.close()
    await rm(folder, { recursive: true })
  }
  return { callback: tookMs, cpu: cpuMs / changes / processes }
}

const watching = (processes: number): Side => ({ run: () => measure(processes) })

export const benchmark: Benchmark = {
  title: 'Many processes that watch through SQLite',
  about:
    'One process changes an instance every 40 ms, and the others watch it through the same file: from before the write to the callback, over all processes, and the CPU time of each watching process for each change.',
  samples: 3,
  timeoutMs: 120_000,
  sides: {
    '@sd, 1 process': watching(1),
    '@sd, 10 processes': watching(10),
    '@sd, 50 processes': watching(50),
  },
  rows: {
    callback: {
      what: 'change to callback',
      unit: 'ms',
      goals: [{ side: '@sd, 50 processes', atMost: 15 }],
      remains:
        "all processes share two cores, so the median is the CPU time of about half of them. A change takes about 1.4 ms of CPU in each: 0.8 in the store's thread, which the system wakes, 0.5 in the application's, to which the thread sends the change, and 0.1 in V8's own threads. Reading the change from the file takes 0.03 ms of that when the process does nothing else; the rest is waking two threads whose code is in no cache. Before, the application's thread was woken for every write of any process and asked the store's thread, which took another round between the two. Heartbeats now wake the store's thread alone. That each process checks only some of the others was not done: a check of all takes 0.05 ms, five times a second, and here there is one session.",
    },
    cpu: { what: 'CPU time of a change in one process', unit: 'ms' },
  },
}
