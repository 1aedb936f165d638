/**
 * The suite that every registry backend must pass, ours or a third party's. Vitest is its peer.
 * @module
 */
export type {
  Backup,
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
export { describeRegistryContract } from './describe-registry-contract.ts'
export { eventually } from './eventually.ts'
export { forkOwner, type ForkOwnerOptions } from './fork-owner.ts'
