import { connect } from 'node:net'
import { fileURLToPath } from 'node:url'
import type { ServerSpec } from '../../src/servers/index.ts'

/**
 * A server of a few lines, run by Node: it answers `name`, `peers`, `conf` and `count` (of its starts,
 * kept in its data directory) on its client port.
 */
export const tinyServer: ServerSpec = {
  name: 'tiny',
  version: '1.2.3',
  ports: { client: 7000, peer: 7001 },
  process: {
    command: [
      process.execPath,
      fileURLToPath(new URL('./tiny-server-process.js', import.meta.url)),
    ],
  },
  args: (member) => [
    member.name,
    member.listen,
    String(member.port('client')),
    member.dataDir,
    `${member.confDir}/tiny.conf`,
    member.members.map((other) => member.fromPeers('peer', other)).join(),
  ],
  files: (member) => ({ [`${member.confDir}/tiny.conf`]: `${member.name} of ${member.version}` }),
  env: () => ({ TINY: 'yes' }),
  ready: async ({ client }) => (await ask(client, 'name')).length > 0,
}

/** The answer of the server at `endpoint` to `question`; rejects if none arrives. */
export const ask = (endpoint: string | undefined, question: string): Promise<string> =>
  new Promise((resolve, reject) => {
    const [host = '', port] = (endpoint ?? '').split(':')
    const socket = connect({ host, port: Number(port), timeout: 500 })
    socket.once('connect', () => socket.write(question))
    socket.once('data', (data) => {
      resolve(data.toString())
      socket.destroy()
    })
    socket.once('timeout', () => socket.destroy(new Error('no answer within 500 ms')))
    socket.once('error', reject)
    socket.once('close', () => reject(new Error('closed without an answer')))
  })
