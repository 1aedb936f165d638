import { parentPort } from 'node:worker_threads'
import { runSeeds } from './run-seeds.ts'

// thousands of errors are made in each seed, and a failing one is run again to be explained
Error.stackTraceLimit = 0

parentPort?.on('message', ({ from, count }: { readonly from: number; readonly count: number }) => {
  void runSeeds(from, count).then((failures) => parentPort?.postMessage(failures))
})
