/** Levenshtein distance: the number of single-character edits that turn `a` into `b`. */
const editDistance = (a: string, b: string): number => {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index)
  for (let i = 0; i < a.length; i++) {
    const next = [i + 1]
    for (let j = 0; j < b.length; j++) {
      const replaced = (row[j] ?? 0) + (a[i] === b[j] ? 0 : 1)
      next.push(Math.min(replaced, (row[j + 1] ?? 0) + 1, (next[j] ?? 0) + 1))
    }
    row = next
  }
  return row[b.length] ?? 0
}

// camelCase and kebab-case spellings of a name compare as equal
const plain = (name: string): string => name.toLowerCase().replaceAll(/[-_]/g, '')

/** The known name closest to `given`; `undefined` when none is similar. */
export const nearestName = (given: string, known: readonly string[]): string | undefined => {
  let nearest: string | undefined
  // beyond this distance the names are not similar
  let best = Math.max(2, Math.floor(given.length / 2)) + 1
  // the comparison is quadratic, and no known name is this long
  if (given.length > 64) return undefined
  for (const name of known) {
    const distance = editDistance(plain(given), plain(name))
    if (distance < best) [nearest, best] = [name, distance]
  }
  return nearest
}

/** The end of a message about an unknown name: the closest name, if any, and all known names. */
export const suggestion = (given: string, known: readonly string[], prefix = ''): string => {
  const nearest = nearestName(given, known)
  return `${nearest === undefined ? '' : `; did you mean "${prefix}${nearest}"?`} (known: ${known.join(', ')})`
}
