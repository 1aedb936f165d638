import { parentPort } from 'node:worker_threads'
import { runSeeds } from './run-seeds.ts'

parentPort?.on('message', ({ from, count }: { readonly from: number; readonly count: number }) => {
  void runSeeds(from, count).then((failures) => parentPort?.postMessage(failures))
})
