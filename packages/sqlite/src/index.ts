/**
 * The sqlite backend.
 * @module
 */
export { type SqliteConfig, validateSqliteConfig } from './config.ts'
export { sqlite } from './sqlite-driver.ts'
