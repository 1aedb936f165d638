/** Where a server listens, as an endpoint names it. */
export interface ListeningPort {
  /** Scheme of the endpoint, without a colon: `http`, `https`, `grpc`. */
  readonly scheme: string
  readonly port: number
  /** The host that it is bound to, when that is a certain one; `undefined` for all interfaces. */
  readonly host?: string | undefined
}

/**
 * A server as `runService` starts and stops it. `httpServer`, `fastifyServer`, `nestServer` and
 * `grpcServer` make one; anything else that listens is an object of these three methods.
 */
export interface ServiceServer {
  /** Starts to listen; resolves when connections are accepted. */
  listen(signal: AbortSignal): Promise<readonly ListeningPort[]>
  /**
   * Accepts nothing new and resolves when the work in progress is done. When `signal` aborts, what
   * is still in progress is cut off.
   */
  drain(signal: AbortSignal): Promise<void>
  /** Ends at once. Called when the process is forced to end, and after a start that failed. */
  destroy(): void
}
