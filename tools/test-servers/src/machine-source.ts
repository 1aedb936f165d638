import type { ServerSource } from './server-source.ts'

/** Servers from binaries of this machine, on PATH or named in the environment. */
export function machineSource(env: NodeJS.ProcessEnv): ServerSource {
  return {
    name: 'binaries of this machine',
    find: async (server) => ({
      how: 'process',
      from: 'machine',
      ...(await server.installed(env)),
    }),
  }
}
