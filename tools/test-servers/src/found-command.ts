/** A server's program on this machine: the command before its arguments. */
export interface FoundCommand {
  readonly command: readonly string[]
  readonly version: string
}
