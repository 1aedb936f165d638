/**
 * Helpers for tests of calls: registries shared by several processes, and child processes.
 * @module
 */
export { Child } from './child.ts'
export { ServiceProcess } from './service-process.ts'
export { type SharedRegistry, sharedRegistries } from './shared-registries.ts'
