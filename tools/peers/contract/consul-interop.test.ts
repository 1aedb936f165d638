import { consul } from '@sd/test-servers'
import { describeInterop } from '../src/describe-interop.ts'

await describeInterop(consul)
