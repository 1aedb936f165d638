export { type EtcdConfig, type EtcdTls, validateEtcdConfig } from './config.ts'
export { etcd } from './etcd-driver.ts'
