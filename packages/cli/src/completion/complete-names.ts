import { parseArgs } from 'node:util'

/** The scripts read one name from each line. */
const isOneLine = (name: string): boolean => !/\p{Cc}/u.test(name)

/**
 * `sd complete [SERVICE]`, for the completion scripts: prints the names of the services, or the ids of
 * the instances of one. Ends the process 300 ms after its start, whatever the registry does.
 *
 * It is no command of the program, and imports only what it needs, which saves 0.1 s.
 */
export const completeNames = async (args: readonly string[]): Promise<void> => {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: { url: { type: 'string' }, 'within-ms': { type: 'string', default: '300' } },
  })
  // A shell waits for it. Before the imports below, which take most of that time.
  setTimeout(() => process.exit(), Number(values['within-ms']) - performance.now())
  process.stdout.on('error', () => process.exit())
  const [{ findRegistry }, { Registry, resolveBackend }] = await Promise.all([
    import('../settings.ts'),
    import('@sd/registry'),
  ])
  const { url } = await findRegistry(values.url, process.env, process.cwd())
  const { driver, options } = await resolveBackend(url)
  const registry = new Registry(driver, options)
  const [service] = positionals
  const names =
    service === undefined
      ? await registry.listServices()
      : (await registry.list(service)).map(({ id }) => id)
  const lines = names.filter(isOneLine).map((name) => `${name}\n`)
  // closing a registry would take longer
  process.stdout.write(lines.join(''), () => process.exit())
}
