/**
 * Helpers for a backend's own tests, beyond the suite: registries under faults whose watchers are
 * checked event by event, processes that must end by themselves, single calls of a driver, and a clock that
 * only the test moves.
 * @module
 */
export type { Backup } from './contract-harness.ts'
export { codeOf, idsOf, soon } from './answers.ts'
export { pass } from './eventually.ts'
export { createDraw, type Draw } from './format/random-records.ts'
export { Follower } from './follower.ts'
export {
  type ClientEnd,
  type ClientProcess,
  type ClientReport,
  type ClientTask,
  forkClient,
} from './fork-client.ts'
export { forkScript, type ScriptEnd, type ScriptProcess } from './fork-script.ts'
export { ids, instance } from './instances.ts'
export { lists } from './lists.ts'
export { type FactoryPlace, makeFactory } from './make-factory.ts'
export { ManualClock, settle } from './manual-clock.ts'
export { observing, type Observing } from './observing.ts'
export { TestWorld, type TestWorldOptions } from './test-world.ts'
export { many, orders, ref, request } from './requests.ts'
