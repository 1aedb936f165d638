import type { ChannelOptions, MethodConfig, ServiceConfig } from '@grpc/grpc-js'
import { policyName } from '../policy/service-update.ts'
import { retryConfig, type RetryOptions } from './retry-options.ts'

type Raw = Readonly<Record<string, unknown>>

/** Converts durations: grpc-js parses them from JSON text only; resolvers must pass numbers. */
const withTimeout = (config: Raw): MethodConfig => {
  const { timeout } = config
  if (typeof timeout !== 'string') return config as unknown as MethodConfig
  const [, whole = '0', fraction = ''] = /^(\d+)(?:\.(\d{1,9}))?s$/.exec(timeout) ?? []
  const duration = { seconds: Number(whole), nanos: Number(fraction.padEnd(9, '0')) }
  return { ...config, timeout: duration } as unknown as MethodConfig
}

/**
 * The service config of a channel: this package's policy and retries, with the parts of the
 * channel's own `grpc.service_config` (already validated) over them. grpc-js ignores the channel's
 * config when a resolver returns one.
 */
export const serviceConfigOf = (
  retry: boolean | RetryOptions,
  channelOptions: ChannelOptions,
): ServiceConfig => {
  const text = channelOptions['grpc.service_config']
  const own = (text === undefined ? {} : JSON.parse(text)) as Raw
  const ours = retryConfig(retry)
  const { loadBalancingConfig, methodConfig, retryThrottling = ours.retryThrottling } = own
  return {
    loadBalancingConfig: Array.isArray(loadBalancingConfig)
      ? (loadBalancingConfig as ServiceConfig['loadBalancingConfig'])
      : [{ [policyName]: {} }],
    methodConfig: Array.isArray(methodConfig)
      ? (methodConfig as readonly Raw[]).map(withTimeout)
      : ours.methodConfig,
    ...(retryThrottling === undefined
      ? {}
      : { retryThrottling: retryThrottling as NonNullable<ServiceConfig['retryThrottling']> }),
  }
}
