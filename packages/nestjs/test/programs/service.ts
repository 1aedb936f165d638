// A Nest application as a process: arguments are its platform, and `hooks` for Nest's own signals.
import 'reflect-metadata'
import { once } from 'node:events'
import { NestFactory } from '@nestjs/core'
import { createRegistry } from '@sd/registry'
import { runNest, ServiceDiscoveryModule } from '../../src/index.ts'
import { ordersModule } from '../orders-module.ts'
import { platformOf } from '../platforms.ts'

const [platform = 'express', hooks] = process.argv.slice(2)
const module = ordersModule(
  ServiceDiscoveryModule.forRoot({
    registry: (logger) => createRegistry({ backend: 'memory', logger }),
    instance: { service: 'orders' },
    propagationMs: 50,
    onPhase: ({ phase }) => console.log(phase),
  }),
  console.log,
  () => once(process, 'message'),
)
const app = await NestFactory.create(module, platformOf(platform), { logger: false })
if (hooks !== undefined) app.enableShutdownHooks()
const service = await runNest(app, 0, '127.0.0.1')
console.log(`listening ${service?.registration.instance.endpoints[0]}`)
