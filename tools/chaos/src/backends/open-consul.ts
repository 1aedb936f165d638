import { consul as consulServer } from '@sd/test-servers'
import type { ChaosBackend } from './chaos-backend.ts'
import { ProxiedServers } from './proxied-servers.ts'

/** Consul server agents behind proxies; in a cluster each link leads to an agent of its own. */
export const openConsul = async (members: number): Promise<ChaosBackend> => {
  const proxied = await ProxiedServers.launch(consulServer, members)
  const agents = proxied.endpoints('direct')
  const ask = async (
    method: 'GET' | 'PUT',
    path: string,
    body?: Uint8Array,
    agent = agents[0],
  ): Promise<Response> => {
    const url = `http://${agent}/v1/${path}`
    const response = await fetch(url, { method, ...(body === undefined ? {} : { body }) })
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status}`)
    return response
  }
  return {
    ...proxied.parts(['backup', 'restore', 'expire-session']),
    boundsFor: (ttlMs) => ({
      // a check lives a second longer than its ttl
      graceMs: 1_100,
      restartLimitMs: (ttlMs * 3) / 4,
      // R6: without a fence a write that arrives late is listed until its check expires
      lateWriteMs: ttlMs + 1_100,
      // W3: a silently dropped connection is detected within 13.6 s
      deadWatchMs: 13_600,
      // no agent has the check of such an entry: the agent's full synchronisation deletes it
      restoredMs: 125_000,
    }),
    place: (over, namespace) => ({
      module: import.meta.resolve('@sd/consul'),
      factory: 'consul',
      config: {
        endpoint: `http://${proxied.endpoints(over).at(over === 'b' ? -1 : 0)}`,
        namespace,
      },
    }),
    leader: async () => {
      const address = String(await (await ask('GET', 'status/leader')).json())
      const leader = proxied.cluster.servers.find(({ endpoints }) => endpoints['rpc'] === address)
      if (leader === undefined) throw new Error('no agent of Consul is the leader')
      return leader
    },
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
      for (const agent of agents) {
        const path = `agent/services?filter=${filter}`
        const entries = await (await ask('GET', path, undefined, agent)).json()
        for (const serviceId of Object.keys(entries as object))
          await ask('PUT', `agent/service/deregister/${serviceId}`, undefined, agent)
      }
    },
    [Symbol.asyncDispose]: () => proxied[Symbol.asyncDispose](),
  }
}
