import { serveHeartbeats } from '@sd/core/driver'
import { EtcdConnection } from '../client/etcd-connection.ts'
import { EtcdCredentials } from '../client/etcd-credentials.ts'
import { KeepAliveStream } from '../client/keep-alive-stream.ts'
import { type EtcdConfig, secureContextOf } from '../config.ts'
import { backend } from '../errors.ts'

// The worker thread of `heartbeat: 'worker'`. It has a connection and a login of its own, as those of
// the event loop are blocked with it.
await serveHeartbeats(backend, (given, context) => {
  const config = given as EtcdConfig
  const connection = new EtcdConnection({
    config,
    context,
    credentials: new EtcdCredentials(config),
    secureContext: secureContextOf(config),
    connections: new Set(),
  })
  return (leaseId) => {
    const keepAlive = new KeepAliveStream(connection, leaseId)
    return {
      renew: (signal) => keepAlive.renew(signal),
      release: () => keepAlive.close(),
    }
  }
})
