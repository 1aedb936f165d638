import type { Scope, WireFormat } from '@sd/core/driver'

/** A range of keys, `end` excluded, as etcd's requests take it. */
export interface KeyRange {
  readonly key: Buffer
  readonly range_end: Buffer
}

/** The first key after all that begin with `prefix` (etcd's `clientv3.GetPrefixRangeEnd`). */
export const prefixEnd = (prefix: Buffer): Buffer => {
  for (let index = prefix.length - 1; index >= 0; index--) {
    const byte = prefix[index] as number
    if (byte < 0xff) return Buffer.concat([prefix.subarray(0, index), Buffer.from([byte + 1])])
  }
  return Buffer.from([0])
}

/** Maps the keys of one namespace. Outside this class, keys are relative to the namespace. */
export class KeySpace {
  readonly #namespace: string
  readonly #prefix: Buffer
  readonly #format: WireFormat

  constructor(namespace: string, format: WireFormat) {
    this.#namespace =
      format.namespacePrefix?.(namespace) ?? (namespace === '' ? '' : `${namespace}/`)
    this.#prefix = Buffer.from(this.#namespace)
    this.#format = format
  }

  /** The stored key. */
  absolute(key: string): Buffer {
    return Buffer.from(this.#namespace + key)
  }

  /** The key relative to the namespace. */
  relative(key: Buffer): string {
    return key.subarray(this.#prefix.length).toString()
  }

  /**
   * Whether a relative key is no record's, where the namespace is all of etcd: other programs keep
   * their own keys there.
   */
  isForeign(key: string): boolean {
    return this.#prefix.length === 0 && this.#format.serviceOf(key) === undefined
  }

  range(scope: Scope): KeyRange {
    const prefix =
      'service' in scope ? this.absolute(this.#format.prefix(scope.service)) : this.#prefix
    // etcd refuses an empty key; \0 is the first possible one
    return { key: prefix.length === 0 ? Buffer.from([0]) : prefix, range_end: prefixEnd(prefix) }
  }
}
