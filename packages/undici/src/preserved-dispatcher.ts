/** Where undici 6, 7 and 8 and Node's built-in fetch keep the global dispatcher. */
const legacyKey = Symbol.for('undici.globalDispatcher.1')

const globals = globalThis as unknown as Record<symbol, unknown>

/**
 * The dispatcher before undici 8 is evaluated: this module is imported first. undici 8 looks only
 * at its own key. If undici 6 or the built-in fetch of Node 22 has set another key, undici 8 finds
 * its own empty and overwrites both (`lib/global.js` of undici 8).
 */
const before: unknown = globals[legacyKey]

/** Restores the global dispatcher that the import of undici 8 replaced, if there was one. */
export const restoreGlobalDispatcher = (): void => {
  if (before !== undefined && globals[legacyKey] !== before) globals[legacyKey] = before
}

/** The dispatcher under the key that undici 6 and the built-in fetch of Node 22 and 24 read. */
export const legacyGlobalDispatcher = (): unknown => globals[legacyKey]
