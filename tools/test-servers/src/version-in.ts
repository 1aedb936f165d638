/** The first version number in a text: `3.5.16`. Throws when it holds none. */
export function versionIn(text: string): string {
  const version = /\d+\.\d+(\.\d+)?/.exec(text)?.[0]
  if (!version) throw new Error(`no version in: ${text.slice(0, 200)}`)
  return version
}
