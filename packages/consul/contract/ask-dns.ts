import { connect } from 'node:net'

const srv = 33
const internet = 1

const question = (name: string): Buffer => {
  const labels = name.split('.').map((label) => Buffer.from([label.length, ...Buffer.from(label)]))
  const header = Buffer.from([0, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0])
  const message = Buffer.concat([header, ...labels, Buffer.from([0, 0, srv, 0, internet])])
  return Buffer.concat([Buffer.from([0, message.length]), message])
}

/** Where the name at `from` ends: a pointer ends it, too (RFC 1035, 4.1.4). */
const endOfName = (message: Buffer, from: number): number => {
  let at = from
  for (;;) {
    const length = message[at] ?? 0
    if (length === 0) return at + 1
    if (length >= 0xc0) return at + 2
    at += 1 + length
  }
}

/**
 * The ports in the SRV records of a name, sorted. Asks over TCP, as a container's ports are mapped for
 * TCP only (RFC 1035, 4.2.2: each message has a prefix of two bytes with its length).
 */
export const askDns = async (server: string, name: string): Promise<readonly number[]> => {
  const { hostname, port } = new URL(`tcp://${server}`)
  const socket = connect({ host: hostname, port: Number(port) })
  socket.write(question(name))
  const message = await new Promise<Buffer>((resolve, reject) => {
    const chunks: Buffer[] = []
    socket.on('error', reject)
    socket.on('data', (chunk) => {
      chunks.push(chunk)
      const all = Buffer.concat(chunks)
      if (all.length >= 2 && all.length >= 2 + all.readUInt16BE(0)) resolve(all.subarray(2))
    })
    socket.on('end', () => reject(new Error('the DNS server closed the connection')))
  }).finally(() => socket.destroy())
  const answers = message.readUInt16BE(6)
  const found: number[] = []
  let at = endOfName(message, 12) + 4
  for (let index = 0; index < answers; index += 1) {
    at = endOfName(message, at)
    if (message.readUInt16BE(at) === srv) found.push(message.readUInt16BE(at + 14))
    at += 10 + message.readUInt16BE(at + 8)
  }
  return found.toSorted((a, b) => a - b)
}
