import { type ConfigurableModuleCls, ConfigurableModuleBuilder, Module } from '@nestjs/common'
import { HttpAdapterHost } from '@nestjs/core'
import type { Registry } from '@sd/core'
import { nestLogger } from './nest-logger.ts'
import type { IntegrationOptions } from '@sd/lifecycle'
import { REGISTRY, ServiceLifecycle } from './service-lifecycle.ts'

/** Options of the module: those of `runService`, what `runNest` registers, and routes to add. */
export type ServiceDiscoveryOptions = IntegrationOptions

interface ModuleExtras {
  /** Whether other modules can inject the registry without importing this one. Default true. */
  readonly isGlobal: boolean
}

const { ConfigurableModuleClass, MODULE_OPTIONS_TOKEN } =
  new ConfigurableModuleBuilder<ServiceDiscoveryOptions>({ moduleName: 'ServiceDiscovery' })
    .setClassMethodName('forRoot')
    .setExtras<ModuleExtras>({ isGlobal: true }, (definition, { isGlobal }) => ({
      ...definition,
      global: isGlobal,
    }))
    .build()

const Configurable: ConfigurableModuleCls<
  ServiceDiscoveryOptions,
  'forRoot',
  'create',
  ModuleExtras
> = ConfigurableModuleClass

/**
 * Provides the registry (`InjectRegistry`) and `ServiceLifecycle`:
 * `ServiceDiscoveryModule.forRoot(options)`, or `forRootAsync({ imports, inject, useFactory })`.
 * Start the application with `runNest`, which registers `instance`.
 */
export class ServiceDiscoveryModule extends Configurable {}

Module({
  providers: [
    {
      provide: REGISTRY,
      inject: [MODULE_OPTIONS_TOKEN],
      useFactory: ({ registry }: ServiceDiscoveryOptions) =>
        typeof registry === 'function' ? registry(nestLogger()) : registry,
    },
    {
      provide: ServiceLifecycle,
      inject: [MODULE_OPTIONS_TOKEN, REGISTRY, HttpAdapterHost],
      useFactory: (options: ServiceDiscoveryOptions, registry: Registry, host: HttpAdapterHost) =>
        new ServiceLifecycle(options, registry, nestLogger(), host),
    },
  ],
  exports: [REGISTRY, ServiceLifecycle],
})(ServiceDiscoveryModule)
