import { Script } from 'node:vm'

/** One backend's name, in each spelling that its package uses. */
export interface BackendName {
  /** `my-store`: the package's folder and files. */
  readonly name: string
  /** `myStore`: its factory. */
  readonly factory: string
  /** `MyStore`: its types. */
  readonly type: string
  /** `MY_STORE`: its environment variables. */
  readonly env: string
}

const isIdentifier = (text: string): boolean => {
  try {
    // only compiled, never run: the compiler knows every reserved word, also of strict and async
    // code
    return new Script(`'use strict'; async () => { const ${text} = 0 }`) instanceof Script
  } catch {
    return false
  }
}

/** Parses a backend's name. Throws an `Error` that says which names are accepted. */
export const parseBackendName = (text: string): BackendName => {
  if (!/^[a-z][a-z0-9]*(?:-[a-z0-9]+)*$/.test(text) || text.length > 40)
    throw new Error(
      `${JSON.stringify(text)} is not a valid name of a backend; expected lower-case letters, digits and single dashes, beginning with a letter, at most 40: my-store`,
    )
  const factory = text.replaceAll(/-(.)/g, (_, first: string) => first.toUpperCase())
  if (!isIdentifier(factory))
    throw new Error(
      `${JSON.stringify(text)} is a reserved word, so it cannot name the factory; choose another name`,
    )
  return {
    name: text,
    factory,
    type: factory.charAt(0).toUpperCase() + factory.slice(1),
    env: text.toUpperCase().replaceAll('-', '_'),
  }
}
