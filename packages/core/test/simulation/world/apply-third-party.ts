import { places } from '../schedule/operation.ts'
import type { World } from './world.ts'

/** Changes a record as a third party does, without any condition. */
export const applyThirdParty = (
  { server }: World,
  kind: 'delete' | 'garbage' | 'edit' | 'foreign',
  place: number,
): void => {
  const { service, id } = places[place] ?? { service: 'a', id: '1' }
  const key = `${service}/${id}`
  const standing = server.records.get(key)
  const instance = standing?.value.instance
  switch (kind) {
    case 'delete':
      if (standing !== undefined) server.write(key, undefined, undefined)
      return
    case 'garbage':
      server.write(key, {}, undefined)
      return
    case 'edit': {
      // like `sd set`: the owner's claim with the next seq, on the same lease
      const claim = standing?.value.claim
      if (standing === undefined || instance === undefined || claim === undefined) return
      const edited = { ...instance, weight: 50_000 + place }
      const value = { ...standing.value, instance: edited, claim: { ...claim, seq: claim.seq + 1 } }
      server.write(key, value, standing.lease)
      return
    }
    case 'foreign': {
      const foreign = {
        service,
        id: `foreign-${id}`,
        endpoints: ['http://10.9.9.9:80'],
        weight: 1,
        health: 'passing',
        tags: [],
        metadata: {},
      }
      server.write(`${service}/foreign-${id}`, { instance: foreign }, undefined)
    }
  }
}
