/** The faults that a `TcpProxy` applies; read by each of its connections. */
export interface ProxyFaults {
  latencyMs: number
  /** How much a connection passes from the server. */
  bytesPerSecond: number
  /** Whose bytes a partition drops. */
  partitioned: 'both' | 'client' | 'server' | undefined
  refusing: boolean
  /** Cut each connection after that many bytes from the server; `times` cuts are left. */
  cut: { readonly afterBytes: number; times: number } | undefined
  /** Silence each connection over which a client sends more than that many bytes. */
  hangAfterBytes: number
}

/** Bytes that have passed through a `TcpProxy`; dropped bytes do not count. */
export interface ProxyBytes {
  fromClient: number
  fromServer: number
}
