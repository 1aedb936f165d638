import type { Backend } from './backend.ts'
import type { Way } from './find-servers.ts'
import { binaryCommand, zookeeperCommand } from './server-command.ts'

/** Servers from binaries that this machine has, on PATH or named in the environment. */
export function machineWay(env: NodeJS.ProcessEnv): Way {
  return {
    name: 'binaries of this machine',
    find: async (backend) => ({
      how: 'process',
      from: 'machine',
      ...(await commandFor(backend, env)),
    }),
  }
}

function commandFor(
  backend: Backend,
  env: NodeJS.ProcessEnv,
): Promise<{ command: readonly string[]; version: string }> {
  switch (backend) {
    case 'etcd':
      return binaryCommand('etcd', env['SD_ETCD_BIN'] ?? 'etcd')
    case 'consul':
      return binaryCommand('consul', env['SD_CONSUL_BIN'] ?? 'consul')
    case 'zookeeper':
      return zookeeperCommand(
        env['SD_ZOOKEEPER_JARS'] ?? '/usr/share/java',
        env['SD_JAVA'] ?? 'java',
      )
  }
}
