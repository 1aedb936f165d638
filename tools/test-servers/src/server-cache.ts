import { join } from 'node:path'
import { repositoryRoot } from './repository-root.ts'

/** The ignored folder for servers that were fetched or built, one folder each. */
export const serverCache: string = join(repositoryRoot, '.cache', 'servers')
