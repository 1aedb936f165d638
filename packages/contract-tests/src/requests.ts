import type { OwnedRef, PutRequest, Scope } from '@sd/core/driver'
import { ids } from './instances.ts'

/** The scope of the instances that {@link request} makes. */
export const orders: Scope = { service: 'orders' }

/** A write as core requests it; by default an instance of `orders`, claimed by `a`. */
export const request = (
  id: string,
  claim: Partial<PutRequest['claim']> = {},
  more: Partial<PutRequest['instance']> & { readonly mode?: PutRequest['mode'] } = {},
): PutRequest => {
  const { mode = 'if-newer', ...rest } = more
  const instance = { service: 'orders', id, endpoints: ['http://10.0.0.7:8080'] }
  return {
    instance: { ...instance, weight: 100, health: 'passing', tags: [], metadata: {}, ...rest },
    claim: { owner: 'a', claimedAtMs: 1, seq: 0, ...claim },
    mode,
    ttlMs: 10_000,
    registeredAtMs: 1,
  }
}

/** That many requests, for `prefix0`, `prefix1`, … */
export const many = (count: number, prefix = 'i'): PutRequest[] =>
  ids(prefix, count).map((id) => request(id))

/** An audit or a removal as core requests it. */
export const ref = (id: string, owner = 'a', service = 'orders'): OwnedRef => ({
  service,
  id,
  owner,
})
