import { setTimeout as sleep } from 'node:timers/promises'
import { Registry } from '@sd/core'
import { etcd } from '@sd/etcd'
import type { Benchmark, Side, World } from '../frame/benchmark.ts'
import { type CallCounts, counted } from '../rigs/counted-driver.ts'
import { inputOf } from '../rigs/open-etcd.ts'
import { wireBytes } from '../rigs/wire-bytes.ts'

const ttlMs = 2_000
const ttls = 6

const owning = (instances: number): Side => ({
  run: async ({ endpoint, namespace }: World) => {
    const counts: CallCounts = {}
    const driver = counted(etcd({ endpoints: [`http://${endpoint}`], namespace }), counts)
    const registry = new Registry(driver, { ttlMs })
    await Promise.all(
      Array.from({ length: instances }, (_, index) => registry.register(inputOf(index))),
    )
    const before = { ...counts }
    const bytes = wireBytes()
    await sleep(ttls * ttlMs)
    const since = (name: keyof CallCounts): number =>
      ((counts[name] ?? 0) - (before[name] ?? 0)) / ttls
    const values = {
      renewals: since('renew'),
      audits: since('audit'),
      bytes: (wireBytes() - bytes) / ttls / instances,
    }
    await registry.close()
    return values
  },
})

export const benchmark: Benchmark = {
  title: 'Keeping instances registered on etcd',
  about:
    'What one process sends for its instances while nothing changes, for each ttl: one lease is renewed for all of them, and one audit for each ttl reads what is stored, 125 instances with each call.',
  server: 'etcd',
  samples: 1,
  sides: {
    '@sd, 1 instance': owning(1),
    '@sd, 100 instances': owning(100),
    '@sd, 1,000 instances': owning(1_000),
  },
  rows: {
    renewals: {
      what: 'renewals in a ttl',
      unit: 'calls',
      goals: [
        { side: '@sd, 1,000 instances', against: '@sd, 1 instance', atMost: 1.25 },
        { side: '@sd, 100 instances', against: '@sd, 1 instance', atMost: 1.25 },
      ],
    },
    audits: { what: 'audits in a ttl', unit: 'calls' },
    bytes: { what: 'bytes on the wire for one instance in a ttl', unit: 'bytes' },
  },
  quick: { rows: ['renewals'], samples: 1 },
}
