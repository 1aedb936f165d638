import { Registry } from '@sd/core'
import type { ForkOwnerOptions } from './fork-owner.ts'
import { makeFactory } from './make-factory.ts'

// The body of the process that `forkOwner` starts: registers, reports it, and holds the instance.
const options = JSON.parse(process.argv[2] ?? '{}') as ForkOwnerOptions
const registry = new Registry(await makeFactory(options), { ttlMs: options.ttlMs })
await registry.register(options.instance)
process.send?.('registered')
