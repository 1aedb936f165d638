import type { Picker } from '@sd/balancer'
import { RegistryError } from '@sd/core'
import type { ServiceUpdate } from './service-update.ts'
import type { SubchannelChild } from './subchannel-child.ts'

type InstancesUpdate = Extract<ServiceUpdate, { readonly type: 'instances' }>

const staleNote = ({ stale }: InstancesUpdate): string =>
  stale === undefined
    ? ''
    : `; the registry cannot be reached since ${stale.since.toISOString()}: ${stale.cause.message}`

const reasonOf = (picker: Picker): string => {
  try {
    picker.pick().done()
    return 'none can be picked'
  } catch (error) {
    return error instanceof RegistryError ? error.message : String(error)
  }
}

/** Why there is no instance to connect to. */
export const whyNone = (update: InstancesUpdate, callable: number, picker: Picker): string => {
  const { view, where, settings } = update
  const [first] = view.instances
  if (first === undefined) return `no instances registered under ${where}${staleNote(update)}`
  const schemes = settings.schemes.map((scheme) => `${scheme}://`).join(' or ')
  if (callable === 0)
    return `none of the ${view.size} instances of ${where} has an endpoint ${schemes}; ${first.id} has ${first.endpoints.join(', ')}${staleNote(update)}`
  return `no instance of ${where} can be called: ${reasonOf(picker)}${staleNote(update)}`
}

const handshake = /wrong version number|packet length too long|EPROTO|SSL routines|ERR_SSL/i
const plainAnswer = /Protocol error|ERR_HTTP2_ERROR|before starting HTTP\/2|Failed to connect/i

/**
 * A hint for connection failures that are typical of credentials and endpoints that disagree on
 * TLS.
 */
const tlsHint = ({ address, error = '' }: SubchannelChild): string => {
  if (address.scheme === 'grpc' && handshake.test(error))
    return ' (the endpoint is grpc://, without TLS, and the channel has credentials for TLS: use credentials.createInsecure(), or ?scheme=grpcs)'
  if (address.scheme === 'grpcs' && plainAnswer.test(error))
    return ' (the endpoint is grpcs://, with TLS: the channel needs credentials.createSsl())'
  return ''
}

/** Why no connection is ready although there are instances. */
export const whyUnreachable = (
  update: InstancesUpdate,
  children: ReadonlyMap<string, SubchannelChild>,
): string => {
  const failed = [...children.values()].find(({ error }) => error !== undefined)
  const last =
    failed === undefined
      ? ''
      : `; ${failed.instance.id} at ${failed.address.text}: ${failed.error}${tlsHint(failed)}`
  const count = children.size === 1 ? 'the one instance' : `any of the ${children.size} instances`
  return `cannot connect to ${count} of ${update.where}${last}${staleNote(update)}`
}
