// the two classes only: the package's index loads three times as many files
import Range from 'semver/classes/range.js'
import SemVer from 'semver/classes/semver.js'

/** The bound of the cache. Services have few versions at a time. */
const maxKnown = 1_000

/** Returns a test for versions in the range; `undefined` if `range` is not a valid range. */
export const compileVersionRange = (
  text: unknown,
): ((version: string | undefined) => boolean) | undefined => {
  let range: Range
  try {
    if (typeof text !== 'string' || text.trim() === '') return undefined
    range = new Range(text)
  } catch {
    return undefined
  }
  const known = new Map<string, boolean>()
  const test = (version: string): boolean => {
    try {
      return range.test(new SemVer(version))
    } catch {
      return false
    }
  }
  return (version) => {
    if (version === undefined) return false
    let inRange = known.get(version)
    if (inRange === undefined) {
      inRange = test(version)
      if (known.size >= maxKnown) known.clear()
      known.set(version, inRange)
    }
    return inRange
  }
}
