import type { InstanceRecord, ServiceInstance } from '@sd/registry'
import { showAge } from './duration.ts'
import type { Column } from './table.ts'

/** An instance in the JSON schema of docs/cli.md. */
export const instanceJson = (
  instance: ServiceInstance,
  record: InstanceRecord | undefined,
): object => {
  const { service, id, endpoints, version, zone, weight, health, tags, metadata } = instance
  return {
    service,
    id,
    endpoints,
    ...(version === undefined ? {} : { version }),
    ...(zone === undefined ? {} : { zone }),
    weight,
    health,
    tags,
    metadata,
    ...(record?.registeredAtMs === undefined
      ? {}
      : { registeredAt: new Date(record.registeredAtMs).toISOString() }),
    ...(record?.ttlMs === undefined ? {} : { ttlMs: record.ttlMs }),
  }
}

/** The columns of an instance. */
export const instanceColumns: readonly Column[] = [
  { heading: 'ID' },
  { heading: 'ENDPOINTS' },
  { heading: 'VERSION', dropOrder: 1 },
  { heading: 'ZONE', dropOrder: 2 },
  { heading: 'WEIGHT', align: 'right', dropOrder: 3 },
  { heading: 'HEALTH' },
  { heading: 'AGE', align: 'right', dropOrder: 0 },
]

/** The cells of an instance. Its age is by this machine's clock. */
export const instanceCells = (
  { id, endpoints, version, zone, weight, health }: ServiceInstance,
  record: InstanceRecord | undefined,
  nowMs: number,
): readonly string[] => [
  id,
  endpoints.join(' '),
  version ?? '-',
  zone ?? '-',
  String(weight),
  health,
  record?.registeredAtMs === undefined ? '-' : showAge(Math.max(0, nowMs - record.registeredAtMs)),
]

/** Orders by service, then by id. */
export const byName = (
  a: { readonly service: string; readonly id: string },
  b: { readonly service: string; readonly id: string },
): number => compare(a.service, b.service) || compare(a.id, b.id)

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)

const listed = (texts: readonly string[]): string => texts.join(' ') || '-'

const fieldTexts = (instance: ServiceInstance): Readonly<Record<string, string>> => ({
  endpoints: listed(instance.endpoints),
  version: instance.version ?? '-',
  zone: instance.zone ?? '-',
  weight: String(instance.weight),
  health: instance.health,
  tags: listed(instance.tags),
  metadata: listed(Object.entries(instance.metadata).map(([name, text]) => `${name}=${text}`)),
})

/** Describes the difference: `weight 100 → 5`. */
export const describeUpdate = (previous: ServiceInstance, instance: ServiceInstance): string => {
  const before = fieldTexts(previous)
  return Object.entries(fieldTexts(instance))
    .filter(([name, text]) => before[name] !== text)
    .map(([name, text]) => `${name} ${before[name]} → ${text}`)
    .join(', ')
}
