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
    for (const child of children) child.disconnect()
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
        'every process polls the file after every write of another one, a renewal included, and checks five times a second whether the processes of all sessions live. Both grow with the square of the processes. Not tried yet: that each process checks only some of the others.',
    },
    cpu: { what: 'CPU time of a change in one process', unit: 'ms' },
  },
}
