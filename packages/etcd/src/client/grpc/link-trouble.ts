const words: Readonly<Record<string, string>> = {
  ERR_HTTP2_ERROR: 'it does not speak HTTP/2, or expects TLS',
  ECONNRESET: 'the connection was reset',
}

/**
 * What an error of a connection says, for error messages. A name with several addresses that all
 * refuse is one `AggregateError`.
 */
export const troubleOf = (error: unknown): string => {
  if (error instanceof AggregateError) return error.errors.map(troubleOf).join('; ')
  if (!(error instanceof Error)) return String(error)
  const { code = '', cause, message } = error as NodeJS.ErrnoException
  // of a request on a connection that ended
  if (cause !== undefined) return troubleOf(cause)
  const word = words[code]
  return word === undefined ? message || code : `${word} (${message})`
}
