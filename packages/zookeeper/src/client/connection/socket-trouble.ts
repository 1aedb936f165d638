const words: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'it refuses connections (ECONNREFUSED)',
  ECONNRESET: 'it reset the connection (ECONNRESET)',
  EPIPE: 'it closed the connection (EPIPE)',
  ENOTFOUND: 'its name is unknown (ENOTFOUND)',
  EAI_AGAIN: 'its name cannot be resolved (EAI_AGAIN)',
  EHOSTUNREACH: 'it cannot be reached (EHOSTUNREACH)',
  ENETUNREACH: 'its network cannot be reached (ENETUNREACH)',
  ETIMEDOUT: 'no connection (ETIMEDOUT)',
}

/** The several addresses of a name, refused one after the other, are one `AggregateError`. */
const inWords = (error: NodeJS.ErrnoException): string => {
  // OpenSSL's words for an answer that is no record of TLS
  if (error.message.includes('wrong version number'))
    return 'it does not speak TLS: is it the secureClientPort?'
  return words[error.code ?? ''] ?? (error.message || String(error.code))
}

/**
 * What the end of a socket says about its host, for error messages. A server that has no room for
 * another connection of an address, or no quorum, accepts and hangs up without a word.
 */
export const socketTrouble = (
  phase: string,
  error: NodeJS.ErrnoException | undefined,
  isSecure: boolean,
): string => {
  const hungUp = error === undefined || error.code === 'ECONNRESET' || error.code === 'EPIPE'
  if (!hungUp) return inWords(error)
  if (phase === 'dialling' && isSecure)
    return 'it hangs up during the TLS handshake: is it the secureClientPort, and has maxClientCnxns room for another connection?'
  // A host that hangs up at once can do so before the connection is reported: a refusal by the
  // kernel is ECONNREFUSED, these codes come after it accepted (Linux, tcp_reset).
  if (phase === 'dialling' || phase === 'handshake')
    return `it hangs up before it answers: it has as many connections of this address as its maxClientCnxns allows (60 by default), has no quorum, or expects ${isSecure ? 'no TLS' : 'TLS'}`
  return error ? inWords(error) : 'it closed the connection'
}
