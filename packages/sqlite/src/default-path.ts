import { homedir } from 'node:os'
import { isAbsolute, join } from 'node:path'

/** Empty for a user whom the system does not know, as in some containers. */
const ownHome = (): string => {
  try {
    return homedir()
  } catch {
    return ''
  }
}

/** Where a user's programs keep their state, by the custom of the platform. */
const stateFolder = (
  platform: string,
  env: NodeJS.ProcessEnv,
  home: string,
): string | undefined => {
  const given = (platform === 'win32' ? env['LOCALAPPDATA'] : env['XDG_STATE_HOME']) ?? ''
  // the XDG specification: a relative one is to be ignored
  if (isAbsolute(given)) return given
  if (!isAbsolute(home)) return undefined
  if (platform === 'win32') return join(home, 'AppData', 'Local')
  return platform === 'darwin'
    ? join(home, 'Library', 'Application Support')
    : join(home, '.local', 'state')
}

/** The file when none is named: one for each user of the machine; `undefined` for one without a home. */
export const defaultPath = (
  platform: string = process.platform,
  env: NodeJS.ProcessEnv = process.env,
  home: string = ownHome(),
): string | undefined => {
  const folder = stateFolder(platform, env, home)
  return folder && join(folder, 'sd', 'registry.db')
}
