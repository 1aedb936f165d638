const [name, ...args] = process.argv.slice(2)

if (name === 'complete') {
  const { completeNames } = await import('./completion/complete-names.ts')
  // the scripts do not show it
  await completeNames(args).catch((error: Error) => {
    process.stderr.write(`sd: ${error.message}\n`, () => process.exit(1))
  })
} else {
  const { runSd } = await import('./run-sd.ts')
  await runSd()
}
