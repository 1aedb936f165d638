/**
 * Registers and watches instances through client libraries, as many programs do without a discovery
 * layer. `tools/peers/go/main.go` describes the command line and the lines on standard input and output,
 * which are the same here.
 */
import { createInterface } from 'node:readline'
import { parseArgs } from 'node:util'
import type { PeerInstance } from '../peer-instance.ts'
import { consulPeer } from './consul-peer.ts'
import { etcd3Peer } from './etcd3-peer.ts'
import type { NodePeer } from './node-peer.ts'
import { nodeZooKeeperPeer } from './node-zookeeper-peer.ts'

const peers = {
  etcd3: etcd3Peer,
  'node-zookeeper-client': nodeZooKeeperPeer,
  consul: consulPeer,
} as const

const print = (line: object): void => void process.stdout.write(`${JSON.stringify(line)}\n`)
const messageOf = (error: unknown): string =>
  error instanceof Error ? error.message : String(error)

const registerLines = async (peer: NodePeer): Promise<void> => {
  const known = new Map<string, PeerInstance>()
  const end = async (): Promise<never> => {
    for (const instance of known.values()) await peer.deregister(instance).catch(() => {})
    process.exit(0)
  }
  process.once('SIGTERM', () => void end())
  for await (const line of createInterface(process.stdin)) {
    const space = line.indexOf(' ')
    const verb = line.slice(0, space)
    const instance = JSON.parse(line.slice(space + 1)) as PeerInstance
    const { id, name } = instance
    try {
      if (verb === 'register') {
        known.set(`${name}/${id}`, instance)
        await peer.register(instance)
      } else if (verb === 'deregister') {
        known.delete(`${name}/${id}`)
        await peer.deregister(instance)
      } else throw new Error(`unknown command ${verb}; expected register or deregister`)
      print({ done: verb, id })
    } catch (error) {
      print({ error: messageOf(error), id })
    }
  }
  await end()
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    server: { type: 'string', default: '' },
    namespace: { type: 'string', default: '' },
    service: { type: 'string', default: '' },
    ttl: { type: 'string', default: '10' },
  },
})
const [name = '', verb] = positionals
const open = peers[name as keyof typeof peers]
if (open === undefined || (verb !== 'register' && verb !== 'watch'))
  throw new Error(
    `usage: ${Object.keys(peers).join('|')} register|watch --server HOST:PORT [--namespace NAME] [--ttl SECONDS] [--service SERVICE]`,
  )
const { server, namespace, ttl } = values
const peer = open({ server, namespace, ttlSeconds: Number(ttl) })
if (verb === 'register') await registerLines(peer)
else {
  await peer.watch(
    values.service,
    (instances) => print({ instances }),
    (error) => print({ error: messageOf(error) }),
  )
  process.stdin.resume().on('end', () => process.exit(0))
}
