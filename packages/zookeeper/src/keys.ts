import { type DecodedRecord, decodeRecord, type WireFormat } from '@sd/core/driver'
import type { NodeData } from './client/zookeeper-client.ts'

/**
 * The data of the persistent nodes above records. It distinguishes them from records where one
 * namespace is below another (`services` and `services/eu`), and writing it again increments the
 * node's version.
 */
export const parentData: Uint8Array = Buffer.from('{"sd":"parent"}')

/**
 * Whether a node is above records, and no record itself. An ephemeral one is a record that somebody has
 * overwritten, as only persistent nodes can have children.
 */
export const isParent = ({ data, stat }: NodeData): boolean =>
  stat.ephemeralOwner === '' && Buffer.compare(data, parentData) === 0

/**
 * Where one namespace's records are stored: `/<namespace>/<service>/<id>`, with names as the format
 * encodes them. Keys are relative to the namespace; paths are ZooKeeper's.
 */
export class Keys {
  /** The namespace's node. */
  readonly root: string
  readonly format: WireFormat

  constructor(namespace: string, format: WireFormat) {
    this.root = `/${namespace}`
    this.format = format
  }

  /**
   * Whether the readers of other programs see a change only where a child comes or goes. Kratos's watch
   * the children of a service's node, never their values.
   */
  get changesNeedNewNodes(): boolean {
    return this.format.name === 'kratos'
  }

  path(key: string): string {
    return `${this.root}/${key}`
  }

  /** The key of the node above a service's records. */
  parent(service: string): string {
    return this.format.prefix(service).slice(0, -1)
  }

  /** The service that a record's key belongs to; `undefined` for any other node. */
  serviceOf(key: string): string | undefined {
    return this.format.serviceOf(key)
  }

  decode(key: string, data: Uint8Array): DecodedRecord {
    return decodeRecord(this.format, key, data)
  }
}
