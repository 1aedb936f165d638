import type { FormatPart } from '@sd/core/driver'

/** Parts whose name in the interface says too much, or nothing to who runs `sd`. */
const inWords: Readonly<Partial<Record<FormatPart, string>>> = {
  id: 'ids of other shapes',
  endpoints: 'endpoints beyond one address',
  ttlMs: 'ttl',
  registeredAtMs: 'time of registration',
  unknownFields: 'fields of later versions',
}

/** What a format has no room for, for people: `version, zone, ttl`. */
export const lostParts = (lacks: readonly FormatPart[]): string =>
  lacks.map((part) => inWords[part] ?? part).join(', ')
