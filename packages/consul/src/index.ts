/**
 * The Consul backend.
 * @module
 */
export { type Consistency, type ConsulConfig, validateConsulConfig } from './config.ts'
export { consul } from './consul-driver.ts'
export { consulFormats, type ConsulFormatName } from './formats/consul-formats.ts'
