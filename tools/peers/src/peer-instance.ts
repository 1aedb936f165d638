/** An instance as the commands and views of every peer name it. */
export interface PeerInstance {
  readonly id: string
  readonly name: string
  readonly version?: string
  readonly metadata?: Readonly<Record<string, string>> | null
  readonly endpoints: readonly string[]
}

/** The document that {@link PeerInstance} has in Kratos and in the programs written directly. */
export const documentOf = ({ id, name, version, metadata, endpoints }: PeerInstance): string =>
  JSON.stringify({ id, name, version: version ?? '', metadata: metadata ?? null, endpoints })
