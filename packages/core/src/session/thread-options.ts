/** The options of a worker thread that `threadOptions` decides. */
export interface ThreadOptions {
  readonly execArgv: string[]
  readonly env: NodeJS.ProcessEnv
}

/** The flags that load a module before the application (https://nodejs.org/api/cli.html). */
const preload = /^(?:-r|--require|--import)(?:=|$)/

/** The value of NODE_OPTIONS, in which double quotes may enclose spaces, without preloads. */
const withoutPreloads = (nodeOptions: string): string => {
  const words = nodeOptions.match(/(?:"(?:\\.|[^"\\])*"|[^ "])+/g) ?? []
  const isModule = (index: number): boolean => {
    const flag = words[index - 1] ?? ''
    return preload.test(flag) && !flag.includes('=')
  }
  return words.filter((word, index) => !preload.test(word) && !isModule(index)).join(' ')
}

/**
 * How a driver starts a worker thread from its module `script`: without the preloads of the application,
 * such as a tracing SDK, which are not meant for this thread, and without the warning that node:sqlite is
 * experimental. A thread with `execArgv` inherits no flags of the command line, but Node.js reads
 * NODE_OPTIONS again for it. So the thread's environment has that without preloads; the other flags,
 * such as `--permission`, stay. Yarn Plug'n'Play needs its own preload to find any module, so under it
 * NODE_OPTIONS is left unchanged.
 */
export const threadOptions = (script: URL): ThreadOptions => {
  const env = { ...process.env }
  const { NODE_OPTIONS: nodeOptions } = env
  if (nodeOptions !== undefined && process.versions['pnp'] === undefined)
    env['NODE_OPTIONS'] = withoutPreloads(nodeOptions)
  return {
    execArgv: [
      '--disable-warning=ExperimentalWarning',
      ...(script.pathname.endsWith('.ts') ? ['--conditions=@sd/source'] : []),
    ],
    env,
  }
}
