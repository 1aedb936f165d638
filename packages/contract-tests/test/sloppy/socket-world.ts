import type { ContractHarness } from '@sd/contract-tests'
import { linkFaults, TcpProxy } from '@sd/contract-tests/servers'
import { MemoryWorld } from './memory-world.ts'
import { socketDriver, type SocketDriverOptions } from './socket-driver.ts'
import { acceptedPassword, SocketServer } from './socket-server.ts'

/** A harness over a server in this process, with a proxy that disturbs the connections. */
export const socketHarness = async (
  wrong: Omit<SocketDriverOptions, 'endpoint' | 'namespace' | 'password'> = {},
): Promise<ContractHarness> => {
  const world = new MemoryWorld()
  const server = new SocketServer(world)
  const direct = await server.listen()
  const proxy = await TcpProxy.to(direct)
  const over =
    (endpoint: string, password?: string) =>
    (namespace: string): ReturnType<typeof socketDriver> =>
      socketDriver({
        ...wrong,
        endpoint,
        namespace,
        ...(password === undefined ? {} : { password }),
      })
  const memory = world.harness(over(proxy.endpoint))
  return {
    ...memory,
    ...linkFaults(proxy),
    secure: {
      password: {
        connect: over(direct, acceptedPassword),
        server: { stop: async () => {}, start: async () => {} },
        secrets: [acceptedPassword],
        refused: {
          connect: over(direct, 'hunter3-refused'),
          secrets: ['hunter3-refused'],
        },
      },
    },
    [Symbol.asyncDispose]: async () => {
      await memory[Symbol.asyncDispose]()
      await proxy[Symbol.asyncDispose]()
      await server[Symbol.asyncDispose]()
    },
  }
}
