import { preferredAddress, type ServiceInstance } from '@sd/core/driver'

/** The `host:port` of an instance in a format of gRPC servers; `undefined` where it has none. */
export const grpcAddress = ({
  endpoints,
}: Pick<ServiceInstance, 'endpoints'>): string | undefined => {
  const address = preferredAddress(endpoints, ['grpc', 'grpcs'])
  return address && `${address.host}:${address.port}`
}

/** Why an instance without an address cannot be written. */
export const noAddress = (instance: ServiceInstance): string | undefined =>
  grpcAddress(instance) === undefined
    ? `its endpoint ${JSON.stringify(instance.endpoints[0])} names no port; expected one like grpc://10.0.0.7:9090`
    : undefined
