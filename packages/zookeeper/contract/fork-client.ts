import {
  type ClientProcess,
  type ClientTask as AnyClientTask,
  forkClient as forkAnyClient,
} from '@sd/contract-tests/world'
import { clientTls } from './test-tls.ts'

/** The task and the servers of a client process. */
export interface ClientTask extends Omit<AnyClientTask, 'module' | 'factory' | 'config'> {
  readonly hosts: readonly string[]
  readonly namespace: string
}

/** Another Node process with a registry over ZooKeeper. */
export const forkClient = ({ hosts, namespace, ...task }: ClientTask): Promise<ClientProcess> =>
  forkAnyClient({
    module: new URL('../src/index.ts', import.meta.url).href,
    factory: 'zookeeper',
    config: { ...clientTls, hosts, namespace },
    ...task,
  })
