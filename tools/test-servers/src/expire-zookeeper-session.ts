import { once } from 'node:events'
import { connect } from 'node:net'

/** The constant that servers mix into a session's id (`ZooKeeperServer.superSecret`). */
const secret = 0xb3415c00n
const multiplier = 0x5deece66dn
const mask48 = (1n << 48n) - 1n

/** The password that a server derives for a session: `new java.util.Random(id ^ secret)`. */
const passwordOf = (sessionId: bigint): Buffer => {
  const password = Buffer.alloc(16)
  let seed = (sessionId ^ secret ^ multiplier) & mask48
  for (let offset = 0; offset < 16; offset += 4) {
    seed = (seed * multiplier + 0xbn) & mask48
    password.writeUInt32LE(Number((seed >> 16n) & 0xffff_ffffn), offset)
  }
  return password
}

const frame = (content: Buffer): Buffer => {
  const length = Buffer.alloc(4)
  length.writeInt32BE(content.length)
  return Buffer.concat([length, content])
}

/** Ends the ZooKeeper session of another client: reattaches to it, and closes it. */
export const expireZooKeeperSession = async (endpoint: string, id: string): Promise<void> => {
  const sessionId = BigInt(id.startsWith('0x') ? id : `0x${id}`)
  const request = Buffer.alloc(45)
  request.writeInt32BE(10_000, 12)
  request.writeBigUInt64BE(sessionId, 16)
  request.writeInt32BE(16, 24)
  passwordOf(sessionId).copy(request, 28)
  const end = Buffer.alloc(8)
  end.writeInt32BE(1, 0)
  end.writeInt32BE(-11, 4)
  const [host = '', port = ''] = endpoint.split(':')
  const socket = connect(Number(port), host)
  try {
    await once(socket, 'connect')
    socket.write(frame(request))
    const [reply] = (await once(socket, 'data')) as [Buffer]
    if (reply.readBigUInt64BE(12) !== sessionId) throw new Error(`there is no session ${id}`)
    const answered = Promise.race([once(socket, 'data'), once(socket, 'close')])
    socket.write(frame(end))
    // a server may close the connection of a session that has ended before it answers
    await answered
  } finally {
    socket.destroy()
  }
}
