import { connect } from 'node:net'
import { once } from 'node:events'
import { FrameReader } from '../../../src/client/codec/frame-reader.ts'
import { connectRequest, noSession } from '../../../src/client/codec/handshake.ts'
import { type Conversation, type Exchange, frameOf, steps } from './steps.ts'

// Records a conversation with a real server, on standard output. Run it against a fresh server:
//
//   npm exec -- node --conditions=@sd/source packages/zookeeper/test/client/conversations/record.ts \
//     127.0.0.1:2181 3.9.5 > packages/zookeeper/test/client/conversations/3.9.5.json
const [endpoint = '', server = ''] = process.argv.slice(2)
const [host = '', port = ''] = endpoint.split(':')
const socket = connect(Number(port), host)
await once(socket, 'connect')

const reader = new FrameReader(1_000)
const frames: Buffer[] = []
/** As it was sent. */
const withLength = (frame: Buffer): string =>
  frame.length.toString(16).padStart(8, '0') + frame.toString('hex')

let arrived = (): void => {}
socket.on('data', (chunk) => {
  frames.push(...reader.push(chunk))
  arrived()
})

/** Resolves with the frames up to the answer: the first of this number, or simply the first. */
const exchange = async (sent: Buffer, xid?: number): Promise<Exchange> => {
  const hex = sent.toString('hex')
  socket.write(sent)
  for (;;) {
    const at = frames.findIndex((frame) => xid === undefined || frame.readInt32BE(0) === xid)
    if (at >= 0) {
      const received = frames.splice(0, at + 1).map(withLength)
      return { sent: hex, received }
    }
    await new Promise<void>((resolve) => (arrived = resolve))
  }
}

const handshake = await exchange(connectRequest(noSession, 10_000, 0n))
const recorded: (Exchange & { name: string })[] = []
for (const [index, { name, request }] of steps.entries()) {
  const frame = Buffer.from(frameOf(request(), index))
  recorded.push({ name, ...(await exchange(frame, frame.readInt32BE(4))) })
}
const conversation: Conversation = { server, handshake, steps: recorded }
process.stdout.write(`${JSON.stringify(conversation, undefined, 2)}\n`)
socket.destroy()
