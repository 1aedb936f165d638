import { connect } from 'node:net'
import { once } from 'node:events'
import { FrameReader } from '../../../src/client/codec/frame-reader.ts'
import { connectRequest, noSession, readConnectReply } from '../../../src/client/codec/handshake.ts'
import { type Conversation, type Exchange, frameOf, steps } from './steps.ts'

// Records a conversation with a real server, on standard output. Run it against a fresh server:
//
//   npm exec -- node --conditions=@sd/source packages/zookeeper/test/client/conversations/record.ts \
//     127.0.0.1:2181 3.9.5 > packages/zookeeper/test/client/conversations/3.9.5.json
const [endpoint = '', server = ''] = process.argv.slice(2)
const [host = '', port = ''] = endpoint.split(':')
/** As it was sent. */
const withLength = (frame: Buffer): string =>
  frame.length.toString(16).padStart(8, '0') + frame.toString('hex')

type Exchanging = (sent: Buffer, xid?: number) => Promise<Exchange>

/** Makes exchanges on a connection of its own. */
const connected = async <T>(work: (exchange: Exchanging) => Promise<T>): Promise<T> => {
  const socket = connect(Number(port), host)
  await once(socket, 'connect')
  const reader = new FrameReader(1_000)
  const frames: Buffer[] = []
  let arrived = (): void => {}
  socket.on('data', (chunk) => {
    frames.push(...reader.push(chunk))
    arrived()
  })
  try {
    // the frames up to the answer: the first of this number, or simply the first
    return await work(async (sent, xid) => {
      const hex = sent.toString('hex')
      socket.write(sent)
      for (;;) {
        const at = frames.findIndex((frame) => xid === undefined || frame.readInt32BE(0) === xid)
        if (at >= 0) return { sent: hex, received: frames.splice(0, at + 1).map(withLength) }
        await new Promise<void>((resolve) => (arrived = resolve))
      }
    })
  } finally {
    socket.destroy()
  }
}

const ask = (session = noSession): Buffer => connectRequest(session, 10_000, 0n)
const handshake = await connected((exchange) => exchange(ask()))
const granted = readConnectReply(Buffer.from(handshake.received[0] ?? '', 'hex').subarray(4))
const { resumed, recorded } = await connected(async (exchange) => {
  const first = await exchange(ask(granted))
  const all: Conversation['steps'][number][] = []
  for (const [index, { name, request }] of steps.entries()) {
    const frame = Buffer.from(frameOf(request(), index))
    all.push({ name, ...(await exchange(frame, frame.readInt32BE(4))) })
  }
  return { resumed: first, recorded: all }
})
const expired = await connected((exchange) => exchange(ask(granted)))
const conversation: Conversation = { server, handshake, resumed, steps: recorded, expired }
process.stdout.write(`${JSON.stringify(conversation, undefined, 2)}\n`)
