/** The longest service name or id, in bytes of UTF-8. */
export const maxNameBytes = 255

/** Nothing in it to encode: nearly every name. */
const plain = /^[A-Za-z0-9_~-][A-Za-z0-9_~.-]*$/
const unescaped = /^[A-Za-z0-9_~-]$/

/**
 * Percent-encodes a name into one path segment, the same way for every backend: only letters,
 * digits, `-`, `_`, `~` and inner dots stay, so that `.`, `..`, `/`, `%` and spaces cannot break
 * out of a prefix. `encodeURIComponent` is not enough: it keeps `.`, `..` and `!'()*`.
 */
export const encodeName = (name: string): string => {
  if (plain.test(name)) return name
  const bytes = new TextEncoder().encode(name)
  const onlyDots = /^\.+$/.test(name)
  let encoded = ''
  for (const byte of bytes) {
    const char = String.fromCharCode(byte)
    const keep = unescaped.test(char) || (char === '.' && !onlyDots)
    encoded += keep ? char : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`
  }
  return encoded
}

/**
 * The name that `encodeName` made into `segment`; `undefined` when no name encodes to it, as
 * then it is somebody else's key. Accepting other spellings would let two keys mean one name.
 */
export const decodeName = (segment: string): string | undefined => {
  try {
    const name = decodeURIComponent(segment)
    return name !== '' && encodeName(name) === segment ? name : undefined
  } catch {
    return undefined
  }
}
