/**
 * MurmurHash3's finalizer (Appleby, public domain): each bit of `value` flips about half of the
 * result's bits.
 */
export const mix32 = (value: number): number => {
  let hash = value
  hash ^= hash >>> 16
  hash = Math.imul(hash, 0x85ebca6b)
  hash ^= hash >>> 13
  hash = Math.imul(hash, 0xc2b2ae35)
  return (hash ^ (hash >>> 16)) >>> 0
}

/**
 * Hashes `text` to 32 bits: FNV-1a over its UTF-16 code units, then `mix32`. Clients must agree on
 * the result, so it is the same in every process and release. Not for secrets.
 */
export const hash32 = (text: string, seed = 0): number => {
  let hash = 0x811c9dc5 ^ seed
  for (let index = 0; index < text.length; index += 1)
    hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193)
  return mix32(hash)
}
