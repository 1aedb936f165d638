/**
 * The embedded backend: the processes of one machine share a registry in one SQLite file.
 * @module
 */
export { type SqliteConfig, validateSqliteConfig } from './config.ts'
export { sqlite } from './sqlite-driver.ts'
