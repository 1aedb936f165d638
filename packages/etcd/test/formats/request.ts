import type { PutRequest, ServiceInstance } from '@sd/core/driver'

/** The instance of the records that were taken from the peers' own libraries. */
export const instance: ServiceInstance = {
  service: 'orders',
  id: 'orders-1',
  version: '1.2.3',
  endpoints: ['http://10.0.0.1:8080', 'grpc://10.0.0.1:9090'],
  weight: 100,
  health: 'passing',
  tags: [],
  metadata: { a: 'b' },
}

/** Writes that instance, with these differences. */
export const request = (more: Partial<ServiceInstance> = {}): PutRequest => ({
  instance: { ...instance, ...more },
  claim: { owner: 'me', claimedAtMs: 5, seq: 2 },
  mode: 'if-newer',
  ttlMs: 10_000,
  registeredAtMs: 4,
})
