/**
 * The in-process backend.
 * @module
 */
export { type MemoryConfig, validateMemoryConfig } from './config.ts'
export { memory } from './memory-driver.ts'
export { MemoryStore, type MemoryStoreOptions } from './memory-store.ts'
