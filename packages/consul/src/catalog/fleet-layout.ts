import { type PutRequest } from '@sd/core/driver'
import { addedByAgent } from '../formats/service-document.ts'
import { decodePart, encodePart, type InstanceName, isPlainName, sessionChecks } from '../keys.ts'
import { type Check } from './check-status.ts'
import type { ListedService, RecordFields, ServiceLayout, StoredRecord } from './service-layout.ts'

const ownId = /^sd:([^:]+):([^:]+)$/

const sorted = <T>(entries: readonly (readonly [string, T])[]): Readonly<Record<string, T>> =>
  Object.fromEntries(entries.toSorted(([one], [other]) => (one < other ? -1 : 1)))

interface Fields extends Partial<Omit<ListedService, 'ID' | 'Service' | 'ModifyIndex'>> {
  readonly Notes?: string | undefined
}

/** The same text for the same fields, whoever made the document. */
const documentOf = ({ Tags, Meta, Port, Address, TaggedAddresses, Notes }: Fields): string =>
  JSON.stringify({
    Tags: Tags ?? [],
    Meta: sorted(Object.entries(Meta ?? {})),
    Port: Port ?? 0,
    Address: Address ?? '',
    TaggedAddresses: sorted(
      Object.entries(TaggedAddresses ?? {})
        .filter(([name]) => !addedByAgent.test(name))
        .map(([name, { Address: address, Port: port }]) => [
          name,
          { Address: address, Port: port },
        ]),
    ),
    Notes,
  })

/**
 * The layout of other fleets: a record is the fields of a service. What the format has no field for is
 * in the notes of the check of `@sd`, which no client of a fleet reads. The id of the check names the
 * session. An agent knows a service by its id alone, whatever its name is; ids of `@sd` contain the name and
 * differ from those of others: neither overwrites the other's service.
 */
export class FleetLayout implements ServiceLayout {
  readonly checkName = undefined
  readonly healthCheckName = 'sd:health'
  readonly #prefix: string

  /** In a namespace other than the empty one, the name of a service begins with it and a dot. */
  constructor(namespace: string) {
    this.#prefix = namespace === '' ? '' : `${encodePart(namespace)}.`
  }

  serviceName(service: string): string {
    // one that no program can have registered: formats refuse such a name
    return `${this.#prefix}${isPlainName(service) ? service : `sd:${encodePart(service)}`}`
  }

  serviceOf(serviceName: string): string | undefined {
    if (!serviceName.startsWith(this.#prefix)) return undefined
    const service = serviceName.slice(this.#prefix.length)
    return isPlainName(service) ? service : undefined
  }

  serviceId({ service, id }: InstanceName): string {
    return `sd:${encodePart(this.serviceName(service))}:${encodePart(id)}`
  }

  foreignId({ id }: InstanceName): string {
    return id
  }

  instanceOf(serviceId: string): InstanceName | undefined {
    const [, name = '', last = ''] = ownId.exec(serviceId) ?? []
    const service = this.serviceOf(decodePart(name) ?? '')
    const id = decodePart(last)
    return service === undefined || id === undefined ? undefined : { service, id }
  }

  identify({
    serviceName,
    serviceId,
  }: {
    readonly serviceName: string
    readonly serviceId: string
  }): InstanceName | undefined {
    const own = this.instanceOf(serviceId)
    const service = this.serviceOf(serviceName)
    if (service === undefined || (own !== undefined && own.service !== service)) return undefined
    return own ?? { service, id: serviceId }
  }

  /** @throws SyntaxError or TypeError for a document that is not the JSON of a service */
  textOf(document: string): string {
    return documentOf(JSON.parse(document) as Fields)
  }

  fieldsOf(_: PutRequest, text: string): RecordFields {
    const { Notes = '', ...service } = JSON.parse(text) as Fields
    return { service, notes: Notes }
  }

  storedIn(service: ListedService, checks: readonly Check[]): StoredRecord {
    if (this.instanceOf(service.ID) === undefined)
      return { sessionId: '', text: documentOf({ ...service, Notes: undefined }) }
    const plain = `service:${service.ID}`
    const check = checks.find(
      ({ CheckID }) =>
        CheckID === plain || (CheckID.startsWith(`${plain}:`) && !CheckID.endsWith(':health')),
    )
    return {
      sessionId: check?.CheckID.slice(plain.length + 1) ?? '',
      // without its notes it is no record of anybody
      text: check?.Notes ? documentOf({ ...service, Notes: check.Notes }) : '',
    }
  }

  writtenBy(sessionId: string): string {
    return `Checks.CheckID matches ":${sessionId}$"`
  }

  tiedTo(sessionId: string): string {
    return `agent/checks?filter=${encodeURIComponent(sessionChecks(sessionId))}`
  }
}
