import { Registry } from '@sd/core'
import type { DriverFactory } from '@sd/core/driver'
import type { ForkOwnerOptions } from './fork-owner.ts'

// The body of the process that `forkOwner` starts: registers, says so, and holds on.
const options = JSON.parse(process.argv[2] ?? '{}') as ForkOwnerOptions
const module = (await import(options.module)) as Record<string, (config: unknown) => DriverFactory>
const factory = module[options.factory]
if (factory === undefined) throw new Error(`${options.module} has no export ${options.factory}`)
const registry = new Registry(factory(options.config), { ttlMs: options.ttlMs })
await registry.register(options.instance)
process.send?.('registered')
