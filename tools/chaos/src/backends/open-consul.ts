import { consul as consulServer } from '@sd/test-servers'
import type { ChaosBackend } from './chaos-backend.ts'
import { ProxiedServer, serverFaultNames } from './proxied-server.ts'

/** One Consul server agent behind two proxies. */
export const openConsul = async (namespace: string): Promise<ChaosBackend> => {
  const proxied = await ProxiedServer.launch(consulServer)
  const ask = async (method: 'GET' | 'PUT', path: string, body?: Uint8Array): Promise<Response> => {
    const url = `http://${proxied.endpoint('direct')}/v1/${path}`
    const response = await fetch(url, { method, ...(body === undefined ? {} : { body }) })
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status}`)
    return response
  }
  return {
    ...proxied.parts(),
    faults: new Set([...serverFaultNames(proxied.server), 'backup', 'restore', 'expire-session']),
    boundsFor: (ttlMs) => ({
      // a check lives a second longer than its ttl
      graceMs: 1_100,
      restartLimitMs: (ttlMs * 3) / 4,
      // R6: without a fence a write that arrives late is listed until its check expires
      lateWriteMs: ttlMs + 1_100,
      // W3: a silently dropped connection is detected within 13.6 s
      deadWatchMs: 13_600,
    }),
    place: (over) => ({
      module: import.meta.resolve('@sd/consul'),
      factory: 'consul',
      config: { endpoint: `http://${proxied.endpoint(over)}`, namespace },
    }),
    backUp: async () => {
      const snapshot = new Uint8Array(await (await ask('GET', 'snapshot')).arrayBuffer())
      return {
        restore: async () => {
          await (await ask('PUT', 'snapshot', snapshot)).text()
        },
      }
    },
    expireSession: async (sessionId) => {
      const filter = encodeURIComponent(`Meta.sd_session == "${sessionId}"`)
      const entries = await (await ask('GET', `agent/services?filter=${filter}`)).json()
      for (const serviceId of Object.keys(entries as object))
        await (await ask('PUT', `agent/service/deregister/${serviceId}`)).text()
    },
    [Symbol.asyncDispose]: () => proxied[Symbol.asyncDispose](),
  }
}
