const list = /(const backendNames = \[)([^\]]*)(\] as const)/

/** The outcome for the boundaries table. */
export type BoundaryEdit =
  | { readonly result: 'listed' }
  | { readonly result: 'added'; readonly table: string }
  | { readonly result: 'unknown-shape'; readonly line: string }

/**
 * The source of the boundaries table with the backend `name` added. Throws an `Error` when the name
 * belongs to a package that is not a backend.
 */
export const addToBoundaries = (table: string, name: string): BoundaryEdit => {
  if (table.includes(`'packages/${name}'`))
    throw new Error(`packages/${name} is a package of another kind; choose another name`)
  const names = list.exec(table)?.[2]
  if (names === undefined)
    return {
      result: 'unknown-shape',
      line: `{ name: '@sd/${name}', folder: 'packages/${name}', mayImport: [core, driver], timeFrom: 'driver context' }`,
    }
  const known: readonly string[] = names.match(/'[^']*'/g) ?? []
  if (known.includes(`'${name}'`)) return { result: 'listed' }
  const extended = [...known, `'${name}'`].join(', ')
  return {
    result: 'added',
    table: table.replace(list, (_, before: string, __, after: string) => before + extended + after),
  }
}
