/** A connect reply has 36 bytes, and one more since ZooKeeper 3.4; a session's password has 16. */
const connectReplyBytes = [36, 37]

/** Throws when `frame` is no answer to a handshake: the server is then not ZooKeeper. */
export const checkConnectReply = (frame: Buffer): void => {
  if (!connectReplyBytes.includes(frame.length - 4) || frame.readInt32BE(20) !== 16)
    throw new Error('the answer to the handshake is malformed: the host is not a ZooKeeper server')
}

/** A reply's header. */
export interface ReplyHeader {
  readonly xid: number
  readonly code: number
}

export const authenticationXid = -4
const systemErrorCode = -1
const authFailedCode = -115
const libraryCodes = new Set([
  0, -1, -2, -3, -4, -5, -6, -7, -8, -100, -101, -102, -103, -108, -110, -111, -112, -113, -114,
  -115,
])

/**
 * Reads a reply's header. The library's parser throws on unknown codes (session moved, quota exceeded,
 * throttled …), so they are replaced by a known one, in place. Any answer to a login except success is
 * a refusal.
 */
export const checkReply = (frame: Buffer): ReplyHeader => {
  const xid = frame.readInt32BE(4)
  const code = frame.readInt32BE(16)
  if (xid === authenticationXid && code !== 0) frame.writeInt32BE(authFailedCode, 16)
  else if (!libraryCodes.has(code)) frame.writeInt32BE(systemErrorCode, 16)
  return { xid, code }
}
