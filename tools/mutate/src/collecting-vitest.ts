import { collectingVitest } from './collect-tests.ts'

/** What a file of tests gets when it imports `vitest`. */
export const { expect, vi, test, it, describe, beforeEach, afterEach } = collectingVitest
