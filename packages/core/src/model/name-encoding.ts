/** The longest service name or id, in bytes of UTF-8. */
export const maxNameBytes = 255

/** Names that need no encoding, as nearly all do. */
const plain = /^[A-Za-z0-9_~-][A-Za-z0-9_~.-]*$/
const unescaped = /^[A-Za-z0-9_~-]$/

/**
 * Percent-encodes a name into one path segment, in the same way for every backend. Keeps only
 * letters, digits, `-`, `_`, `~` and inner dots, so that `.`, `..`, `/`, `%` and spaces cannot leave
 * a prefix. `encodeURIComponent` is not enough: it keeps `.`, `..` and `!'()*`.
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
 * The name that `encodeName` encodes as `segment`; `undefined` if there is none, as then this package
 * did not write the key. Accepting other encodings would map two keys to one name.
 */
export const decodeName = (segment: string): string | undefined => {
  if (plain.test(segment)) return segment
  try {
    const name = decodeURIComponent(segment)
    return name !== '' && encodeName(name) === segment ? name : undefined
  } catch {
    return undefined
  }
}
