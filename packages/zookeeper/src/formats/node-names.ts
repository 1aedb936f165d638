import type { ServiceInstance, WireFormat } from '@sd/core/driver'

/** Characters that ZooKeeper refuses in paths (`PathUtils.validatePath`). */
// eslint-disable-next-line no-control-regex -- control characters are among them
export const forbiddenInPaths: RegExp = /[\u0000-\u001F\u007F-\u009F\uD800-\uF8FF\uFFF0-\uFFFF]/

/** Why the names of an instance cannot be names of nodes, in a format that does not encode them. */
export const nodeNameRefusal = ({
  service,
  id,
}: Pick<ServiceInstance, 'service' | 'id'>): string | undefined => {
  const bad = Object.entries({ service, id }).find(([, name]) => forbiddenInPaths.test(name))
  return bad && `its ${bad[0]} has a character that ZooKeeper refuses in the names of nodes`
}

/** A format whose names become names of nodes as they are. */
export const withNodeNames = (format: WireFormat): WireFormat => ({
  ...format,
  refusal: (instance) => format.refusal?.(instance) ?? nodeNameRefusal(instance),
})
