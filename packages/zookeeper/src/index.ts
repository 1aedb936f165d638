export {
  type ZooKeeperConfig,
  type ZooKeeperTls,
  type ZooKeeperTlsFiles,
  validateZooKeeperConfig,
} from './config.ts'
export { zookeeper } from './zookeeper-driver.ts'
export { zookeeperFormats, type ZooKeeperFormatName } from './formats/zookeeper-formats.ts'
