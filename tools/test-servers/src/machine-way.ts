import type { Way } from './way.ts'

/** Servers from binaries that this machine has, on PATH or named in the environment. */
export function machineWay(env: NodeJS.ProcessEnv): Way {
  return {
    name: 'binaries of this machine',
    find: async (server) => ({
      how: 'process',
      from: 'machine',
      ...(await server.installed(env)),
    }),
  }
}
