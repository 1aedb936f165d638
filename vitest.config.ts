import { defineConfig } from 'vitest/config'

const conditions = ['@sd/source', 'module', 'node', 'development|production']
const shared = { resolve: { conditions }, ssr: { resolve: { conditions } } }

export default defineConfig({
  ...shared,
  test: {
    reporters: ['default', new URL('./tools/closing-line-reporter.ts', import.meta.url).pathname],
    projects: [
      {
        ...shared,
        test: {
          name: 'unit',
          include: [
            'packages/*/test/**/*.test.ts',
            'tools/*/test/**/*.test.ts',
            'examples/test/**/*.test.ts',
          ],
          exclude: ['**/*.contract.test.ts', '**/node_modules/**'],
        },
      },
      {
        ...shared,
        test: {
          name: 'contract',
          include: ['packages/*/contract/**/*.test.ts', 'tools/*/contract/**/*.test.ts'],
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
