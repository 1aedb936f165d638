import { Controller, type DynamicModule, Get, Module, type Type } from '@nestjs/common'
import type { Registry } from '@sd/core'
import { InjectRegistry } from '../src/index.ts'

// decorators as calls: the tests run without a transform

/** What the tests' controller and database report. */
export type Tell = (line: string) => void

const controller = (tell: Tell, untilReleased: () => Promise<unknown>): Type => {
  class OrdersController {
    readonly registry: Registry
    constructor(registry: Registry) {
      this.registry = registry
    }
    async services(): Promise<readonly string[]> {
      return this.registry.listServices()
    }
    async slow(): Promise<string> {
      tell('begun')
      await untilReleased()
      tell('answered')
      return 'slow'
    }
  }
  Controller()(OrdersController)
  InjectRegistry()(OrdersController, undefined, 0)
  for (const name of ['services', 'slow'] as const) {
    const method = Object.getOwnPropertyDescriptor(OrdersController.prototype, name)
    if (method !== undefined) Get(name)(OrdersController.prototype, name, method)
  }
  return OrdersController
}

/** An application whose database closes in `onModuleDestroy`, as TypeORM's and Prisma's do. */
export const ordersModule = (
  discovery: DynamicModule,
  tell: Tell = () => {},
  untilReleased: () => Promise<unknown> = async () => {},
): Type => {
  class OrdersModule {
    onModuleDestroy(): void {
      tell('database closed')
    }
    onApplicationShutdown(): void {
      tell('shut down')
    }
  }
  Module({
    imports: [discovery],
    controllers: [controller(tell, untilReleased)],
  })(OrdersModule)
  return OrdersModule
}
