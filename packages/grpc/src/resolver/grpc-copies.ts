import { createRequire } from 'node:module'
import { sep } from 'node:path'

const entry = ['', '@grpc', 'grpc-js', 'build', 'src', 'index.js'].join(sep)

/**
 * The files of all copies of grpc-js that this process has loaded so far. They are CommonJS
 * modules, which Node keeps in one cache, however they were imported.
 */
export const loadedGrpcCopies = (): readonly string[] =>
  Object.keys(createRequire(import.meta.url).cache).filter((file) => file.endsWith(entry))
