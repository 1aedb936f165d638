import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { etcd, launch, type Server, wantedBackends } from '@sd/test-servers'

/** A registry that several processes share, by its URL. */
export interface SharedRegistry extends AsyncDisposable {
  readonly url: string
  /** The server, where there is one to be stopped. */
  readonly server: Server | undefined
}

const onSqlite = async (): Promise<SharedRegistry> => {
  const folder = await mkdtemp(join(tmpdir(), 'sd-grpc-'))
  return {
    url: `sqlite://${folder}/registry.db`,
    server: undefined,
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
  }
}

const onEtcd = async (): Promise<SharedRegistry> => {
  const cluster = await launch(etcd)
  const [server] = cluster.servers
  return {
    url: `etcd://${server?.endpoints['client']}`,
    server,
    [Symbol.asyncDispose]: () => cluster[Symbol.asyncDispose](),
  }
}

/** The embedded default, and etcd where this run has it. */
export const registries: readonly (readonly [string, () => Promise<SharedRegistry>])[] = [
  ['sqlite', onSqlite],
  ...(wantedBackends().includes('etcd') ? [['etcd', onEtcd] as const] : []),
]
