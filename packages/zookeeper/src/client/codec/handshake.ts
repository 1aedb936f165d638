import { MalformedRecord, RecordReader } from './record-reader.ts'
import { RecordWriter } from './record-writer.ts'

const passwordBytes = 16

/** A session as its client knows it: what a server needs to continue it. */
export interface SessionKey {
  readonly id: bigint
  /** Proves to a server that the session is this client's. */
  readonly password: Buffer
}

/** A session that no server has granted yet. */
export const noSession: SessionKey = { id: 0n, password: Buffer.alloc(passwordBytes) }

/** The server's side of a handshake. */
export interface Granted extends SessionKey {
  /** 0 or less if the server no longer knows the session. */
  readonly timeoutMs: number
  /** Whether the server has no quorum and only answers reads. It is never asked for this. */
  readonly readOnly: boolean
}

/**
 * The first frame of a connection, a `ConnectRequest`. A server refuses a client that has seen a
 * transaction (`lastZxid`) that it does not have.
 */
export const connectRequest = (
  session: SessionKey,
  timeoutMs: number,
  lastZxid: bigint,
): Buffer => {
  const writer = new RecordWriter().int(0)
  writer.int(0).long(lastZxid).int(timeoutMs).long(session.id).bytes(session.password).bool(false)
  const frame = writer.finish()
  frame.writeInt32BE(frame.length - 4, 0)
  return frame
}

/** Reads the first frame from a server, a `ConnectResponse`. Throws `MalformedRecord`. */
export const readConnectReply = (frame: Buffer): Granted => {
  const reader = new RecordReader(frame)
  reader.int() // the protocol's version
  const timeoutMs = reader.int()
  const id = reader.long()
  const password = Buffer.from(reader.bytes())
  // servers before 3.4 did not send it
  const readOnly = reader.left > 0 && reader.bool()
  if (password.length !== passwordBytes || reader.left > 0)
    throw new MalformedRecord('the answer to the handshake is malformed')
  return { id, password, timeoutMs, readOnly }
}
