/** Removes a planted fault. */
export type Restore = () => void

/**
 * Replaces one method of a class for a while. `make` gets the original, to be called with `call`.
 */
export const patchMethod = <T extends object, K extends keyof T>(
  prototype: T,
  name: K,
  make: (original: T[K]) => T[K],
): Restore => {
  const original = prototype[name]
  prototype[name] = make(original)
  return () => {
    prototype[name] = original
  }
}
