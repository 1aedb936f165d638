import { defineConfig } from 'vitest/config'
import { SuitesFirstSequencer } from './tools/suites-first-sequencer.ts'

const conditions = ['@sd/source', 'module', 'node', 'development|production']
const shared = {
  resolve: { conditions },
  ssr: { resolve: { conditions } },
  environments: { __vitest__: { resolve: { conditions } } }, // where the global setup runs
}

// Tests start hundreds of processes: with what Node.js keeps here, a start costs 0.2 s of CPU instead of 0.5 s.
const env = { NODE_COMPILE_CACHE: new URL('.cache/compiled', import.meta.url).pathname }

// They measure the memory or the processor time of their process, or look for subscribers in it.
const isolated = [
  'packages/balancer/test/allocation.test.ts',
  'packages/core/test/sizing.test.ts',
  'packages/gateway/test/telemetry-messages.test.ts',
  'packages/opentelemetry/test/silence.test.ts',
]

const unit = {
  env,
  testTimeout: 20_000, // what takes a second alone takes ten on a machine with other work
  maxWorkers: 2,
  sequence: { groupOrder: 0 },
}

export default defineConfig({
  ...shared,
  test: {
    sequence: { sequencer: SuitesFirstSequencer },
    reporters: ['default', new URL('./tools/closing-line-reporter.ts', import.meta.url).pathname],
    projects: [
      {
        ...shared,
        test: {
          ...unit,
          name: 'unit',
          // a process and the modules for each file would cost twice the processor time of the tests
          isolate: false,
          include: [
            'packages/*/test/**/*.test.ts',
            'tools/*/test/**/*.test.ts',
            'examples/test/**/*.test.ts',
          ],
          exclude: ['packages/core/test/simulation/**', '**/node_modules/**', ...isolated],
        },
      },
      { ...shared, test: { ...unit, name: 'unit-isolated', include: isolated } },
      {
        ...shared,
        test: {
          name: 'simulation',
          env,
          maxWorkers: 2,
          include: ['packages/core/test/simulation/**/*.test.ts'],
          sequence: { groupOrder: 1 },
        },
      },
      {
        ...shared,
        test: {
          name: 'contract',
          env,
          // most of a case is waiting: four use two processors. More at a time, and elections take longer
          // than the ttls that are tested
          maxWorkers: 4,
          // in the files whose cases run concurrently
          maxConcurrency: 2,
          // after the simulation: bounds of time are not to be measured on a machine that is full
          sequence: { groupOrder: 2 },
          include: ['{packages,tools}/*/contract/**/*.test.ts', 'examples/contract/**/*.test.ts'],
          globalSetup: [
            new URL('./tools/test-servers/src/global-setup.ts', import.meta.url).pathname,
          ],
          testTimeout: 60_000,
          hookTimeout: 120_000,
        },
      },
    ],
  },
})
