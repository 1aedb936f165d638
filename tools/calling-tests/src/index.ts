/**
 * What tests of calls share: the registries that several processes share, and other processes.
 * @module
 */
export { Child } from './child.ts'
export { type SharedRegistry, sharedRegistries } from './shared-registries.ts'
