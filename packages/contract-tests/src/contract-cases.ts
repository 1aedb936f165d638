import { capabilityCases } from './cases/capability-cases.ts'
import { discoveryCases } from './cases/discovery-cases.ts'
import { operatorCases } from './cases/operator-cases.ts'
import { recoveryCases } from './cases/recovery-cases.ts'
import { registrationCases } from './cases/registration-cases.ts'
import { scaleCases } from './cases/scale-cases.ts'
import { securityCases } from './cases/security-cases.ts'
import { watchingCases } from './cases/watching-cases.ts'
import type { ContractCase } from './contract-case.ts'

/** Every case of the suite, in the order in which they run. */
export const contractCases: readonly ContractCase[] = [
  ...registrationCases,
  ...recoveryCases,
  ...scaleCases,
  ...discoveryCases,
  ...watchingCases,
  ...securityCases,
  ...capabilityCases,
  ...operatorCases,
]

/** The names of all cases, as `knownGaps` uses them. */
export const contractCaseNames: readonly string[] = contractCases.map(({ name }) => name)
