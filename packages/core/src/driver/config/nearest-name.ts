/** Edits (one character put in, taken out or replaced) that turn `a` into `b`. */
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

// camel and kebab spellings of one name are the same name
const plain = (name: string): string => name.toLowerCase().replaceAll(/[-_]/g, '')

/** The known name that `given` was probably meant to be; `undefined` when none is near. */
export const nearestName = (given: string, known: readonly string[]): string | undefined => {
  let nearest: string | undefined
  // more edits than this, and the words have little in common
  let best = Math.max(2, Math.floor(given.length / 2)) + 1
  // a very long name is near nothing, and comparing it would cost its square
  if (given.length > 64) return undefined
  for (const name of known) {
    const distance = editDistance(plain(given), plain(name))
    if (distance < best) [nearest, best] = [name, distance]
  }
  return nearest
}

/** ` did you mean "…"?`, or nothing, then what is known: the end of a message about a name. */
export const suggestion = (given: string, known: readonly string[], prefix = ''): string => {
  const nearest = nearestName(given, known)
  return `${nearest === undefined ? '' : `; did you mean "${prefix}${nearest}"?`} (known: ${known.join(', ')})`
}
