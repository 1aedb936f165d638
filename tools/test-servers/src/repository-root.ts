import { fileURLToPath } from 'node:url'

/** The folder that holds the whole repository. */
export const repositoryRoot: string = fileURLToPath(new URL('../../..', import.meta.url)).replace(
  /\/$/,
  '',
)
