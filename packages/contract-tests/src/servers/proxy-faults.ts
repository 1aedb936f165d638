/** What a `TcpProxy` does to the connections through it; read by each of them. */
export interface ProxyFaults {
  latencyMs: number
  partitioned: boolean
  refusing: boolean
  /** Cut each connection after so many bytes from the server; `times` cuts are left. */
  cut: { readonly afterBytes: number; times: number } | undefined
  /** Silence each connection through which a client sends more than so many bytes. */
  hangAfterBytes: number
}

/** Bytes that have passed through a `TcpProxy`: swallowed ones are not counted. */
export interface ProxyBytes {
  fromClient: number
  fromServer: number
}
