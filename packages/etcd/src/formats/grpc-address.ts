import { preferredAddress, type ServiceInstance } from '@sd/core/driver'

/** The `host:port` of an instance in a format of gRPC servers; empty where it has none. */
export const grpcAddress = ({ endpoints }: Pick<ServiceInstance, 'endpoints'>): string => {
  const address = preferredAddress(endpoints, ['grpc', 'grpcs'])
  return address ? `${address.host}:${address.port}` : ''
}
