import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { loadSync, type MethodDefinition } from '@grpc/proto-loader'
import type { Method } from '../../../src/client/methods.ts'

const require = createRequire(import.meta.url)
const file = join(dirname(require.resolve('etcd3/package.json')), 'proto/rpc.proto')
const definition = loadSync(file, {
  keepCase: true,
  longs: String,
  enums: Number,
  defaults: true,
  arrays: true,
})

/** Names of `kv.proto` and `rpc.proto` that are nowhere in the definition of a service. */
type Service = Readonly<Record<string, MethodDefinition<object, object>>>

/** The same method in protobufjs, with the definitions that `etcd3` contains. */
export const inProtobufjs = (method: Method<never, unknown>): MethodDefinition<object, object> => {
  const [, service = '', name = ''] = method.path.split('/')
  const found = (definition[service] as unknown as Service)[name]
  if (found === undefined) throw new Error(`there is no ${method.path} in ${file}`)
  return found
}
