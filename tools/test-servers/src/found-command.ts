/** A server's program on this machine: what comes before its arguments. */
export interface FoundCommand {
  readonly command: readonly string[]
  readonly version: string
}
