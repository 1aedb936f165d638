import { once } from 'node:events'
import { connect } from 'node:net'
import { fileURLToPath } from 'node:url'
import type { ServerSpec } from '@sd/contract-tests/servers'

/** The complete description of the server, in one place. */
export const theirServer: ServerSpec = {
  name: 'theirs',
  ports: { client: 7654 },
  process: {
    command: [process.execPath, fileURLToPath(new URL('their-server-process.js', import.meta.url))],
  },
  container: { image: 'example.org/theirs:1.0', command: ['their-server'] },
  tls: true,
  args: (member) => [member.listen, String(member.port('client')), member.dataDir, member.confDir],
  files: (member, { tls }) =>
    tls === undefined
      ? {}
      : { [`${member.confDir}/server.crt`]: tls.cert, [`${member.confDir}/server.key`]: tls.key },
  ready: async ({ client = '' }) => {
    const [host, port] = client.split(':')
    const socket = connect({ host, port: Number(port) })
    await once(socket, 'connect')
    socket.destroy()
    return true
  },
}
