import { blockedLoopCases } from './cases/blocked-loop-cases.ts'
import { capabilityCases } from './cases/capability-cases.ts'
import { discoveryCases } from './cases/discovery-cases.ts'
import { healthCases } from './cases/health-cases.ts'
import { operatorCases } from './cases/operator-cases.ts'
import { recoveryCases } from './cases/recovery-cases.ts'
import { registrationCases } from './cases/registration-cases.ts'
import { scaleCases } from './cases/scale-cases.ts'
import { securityCases } from './cases/security-cases.ts'
import { watchingCases } from './cases/watching-cases.ts'
import type { ContractCase } from './contract-case.ts'
import { auditCases } from './driver-cases/audit-cases.ts'
import { claimCases } from './driver-cases/claim-cases.ts'
import { cursorCases } from './driver-cases/cursor-cases.ts'
import { failureCases } from './driver-cases/failure-cases.ts'
import { linkCases } from './driver-cases/link-cases.ts'
import { probeCases } from './driver-cases/probe-cases.ts'
import { readCases } from './driver-cases/read-cases.ts'
import { sessionCases } from './driver-cases/session-cases.ts'

/** The cases that call a driver directly, without core. */
export const driverCases: readonly ContractCase[] = [
  ...claimCases,
  ...sessionCases,
  ...auditCases,
  ...readCases,
  ...cursorCases,
  ...failureCases,
  ...linkCases,
  ...probeCases,
]

/** Every case of the suite, in the order in which they run. */
export const contractCases: readonly ContractCase[] = [
  ...registrationCases,
  ...healthCases,
  ...recoveryCases,
  ...blockedLoopCases,
  ...scaleCases,
  ...discoveryCases,
  ...watchingCases,
  ...securityCases,
  ...capabilityCases,
  ...operatorCases,
  ...driverCases,
]

/** The names of all cases, as `knownGaps` uses them. */
export const contractCaseNames: readonly string[] = contractCases.map(({ name }) => name)
