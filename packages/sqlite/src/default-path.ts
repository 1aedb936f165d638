import { homedir } from 'node:os'
import { isAbsolute, join } from 'node:path'

/** Empty for a user unknown to the system, as in some containers. */
const ownHome = (): string => {
  try {
    return homedir()
  } catch {
    return ''
  }
}

/** The platform's conventional folder for the state of a user's programs. */
const stateFolder = (
  platform: string,
  env: NodeJS.ProcessEnv,
  home: string,
): string | undefined => {
  const given = (platform === 'win32' ? env['LOCALAPPDATA'] : env['XDG_STATE_HOME']) ?? ''
  // the XDG specification requires that a relative path is ignored
  if (isAbsolute(given)) return given
  if (!isAbsolute(home)) return undefined
  if (platform === 'win32') return join(home, 'AppData', 'Local')
  return platform === 'darwin'
    ? join(home, 'Library', 'Application Support')
    : join(home, '.local', 'state')
}

/** The default file, one for each user of the machine; `undefined` for a user without a home. */
export const defaultPath = (
  platform: string = process.platform,
  env: NodeJS.ProcessEnv = process.env,
  home: string = ownHome(),
): string | undefined => {
  const folder = stateFolder(platform, env, home)
  return folder && join(folder, 'sd', 'registry.db')
}
