import { rootCertificates } from 'node:tls'
import { Channel, type ClientOptions } from '@grpc/grpc-js'
import type { IOptions } from 'etcd3'
import type { EtcdConfig } from '../config.ts'

type Policies = NonNullable<IOptions['faultHandling']>

/**
 * Runs a call once and passes its failure on. etcd3's own policies repeat a write that timed out,
 * and refuse every call for five seconds after three failures.
 */
const once = {
  execute: async (call: (context: { signal: AbortSignal }) => unknown, signal?: AbortSignal) =>
    call({ signal: signal ?? new AbortController().signal }),
} as unknown as NonNullable<Policies['global']>

const pem = (value: string | Uint8Array): Buffer => Buffer.from(value as Uint8Array)

const credentials = ({ tls }: EtcdConfig): Pick<IOptions, 'credentials'> =>
  tls === undefined
    ? {}
    : {
        credentials: {
          rootCertificate: tls.ca ? pem(tls.ca) : Buffer.from(rootCertificates.join('\n')),
          ...(tls.key && tls.cert ? { privateKey: pem(tls.key), certChain: pem(tls.cert) } : {}),
        },
      }

type ChannelArguments = Parameters<NonNullable<ClientOptions['channelFactoryOverride']>>

/**
 * Options of an etcd3 client for one endpoint. grpc-js shares one connection among all channels
 * with equal options; a different `name` keeps clients apart. `opened` receives every channel, so
 * that the caller can close it: etcd3 itself waits up to a second for a channel that is still
 * connecting.
 */
export const etcdOptions = (
  config: EtcdConfig,
  endpoint: string,
  name: string,
  opened: (channel: Channel) => void,
): IOptions => ({
  hosts: [endpoint],
  ...credentials(config),
  faultHandling: { host: () => once, global: once },
  grpcOptions: {
    channelFactoryOverride: (
      ...[address, channelCredentials, options]: ChannelArguments
    ): Channel => {
      const channel = new Channel(address, channelCredentials, options)
      opened(channel)
      return channel
    },
    'grpc.primary_user_agent': name,
    // the server limits its own messages; a limit here would drop a large watch response
    'grpc.max_receive_message_length': -1,
    'grpc.max_send_message_length': -1,
    // the default of grpc-js is up to 120 s
    'grpc.initial_reconnect_backoff_ms': 100,
    'grpc.max_reconnect_backoff_ms': 1000,
    // etcd closes a connection that pings more often than every 5 s
    'grpc.keepalive_time_ms': 10_000,
    'grpc.keepalive_timeout_ms': 3000,
    'grpc.enable_http_proxy': 0,
    // grpc-js keeps a global record of every channel for it
    'grpc.enable_channelz': 0,
  },
})
