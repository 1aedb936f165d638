export { type EtcdConfig, validateEtcdConfig } from './config.ts'
export { etcd } from './etcd-driver.ts'
