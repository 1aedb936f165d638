import {
  type ClientProcess,
  type ClientTask as AnyClientTask,
  forkClient as forkAnyClient,
} from '@sd/contract-tests/world'
import type { ZooKeeperConfig } from '../src/index.ts'
import { clientTls } from './test-tls.ts'

/** The task and the servers of a client process. */
export interface ClientTask
  extends Omit<AnyClientTask, 'module' | 'factory' | 'config'>, Pick<ZooKeeperConfig, 'heartbeat'> {
  readonly hosts: readonly string[]
  readonly namespace: string
}

/** Another Node process with a registry over ZooKeeper. */
export const forkClient = ({
  hosts,
  namespace,
  heartbeat,
  ...task
}: ClientTask): Promise<ClientProcess> =>
  forkAnyClient({
    module: new URL('../src/index.ts', import.meta.url).href,
    factory: 'zookeeper',
    config: { ...clientTls, hosts, namespace, heartbeat },
    ...task,
  })
