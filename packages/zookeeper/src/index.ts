/**
 * The zookeeper backend.
 * @module
 */
export { type ZookeeperConfig, validateZookeeperConfig } from './config.ts'
export { zookeeper } from './zookeeper-driver.ts'
