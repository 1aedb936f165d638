import { runSd } from './run-sd.ts'

await runSd()
