/**
 * The suite that every registry backend must pass, in this repository or elsewhere. Vitest is its
 * peer dependency.
 * @module
 */
export type {
  Backup,
  BlockableOwner,
  ContractHarness,
  ContractOptions,
  CutLink,
  Fault,
  OwnerProcess,
  SecureConnection,
  ServerControl,
} from './contract-harness.ts'
export type { Need } from './contract-case.ts'
export { contractCaseNames } from './contract-cases.ts'
export { describeFormatContract } from './format/describe-format-contract.ts'
export type { ForeignRecord, FormatSamples } from './format/format-cases.ts'
export { describeRegistryContract } from './describe-registry-contract.ts'
export { eventually } from './eventually.ts'
export { forkedOwners, forkOwner, type ForkOwnerOptions } from './fork-owner.ts'
