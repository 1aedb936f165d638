/**
 * The consul backend.
 * @module
 */
export { type ConsulConfig, validateConsulConfig } from './config.ts'
export { consul } from './consul-driver.ts'
