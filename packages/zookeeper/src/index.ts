export { type ZooKeeperConfig, validateZooKeeperConfig } from './config.ts'
export { zookeeper } from './zookeeper-driver.ts'
