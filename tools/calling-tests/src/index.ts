/**
 * Helpers for tests of calls: registries shared by several processes, and child processes.
 * @module
 */
export { Child } from './child.ts'
export { type Pace, pace } from './pace.ts'
export { RollingFleet } from './rolling-fleet.ts'
export { ServiceProcess } from './service-process.ts'
export { everySharedRegistry, type SharedRegistry, sharedRegistries } from './shared-registries.ts'
