import { oxlintConfig } from './tools/boundaries/src/oxlint-config.ts'

export default oxlintConfig
