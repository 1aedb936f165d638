import { homedir } from 'node:os'
import { isAbsolute, join } from 'node:path'

/** Where a user's programs keep their state, by the custom of the platform. */
const stateFolder = (platform: string, env: NodeJS.ProcessEnv, home: string): string => {
  if (platform === 'win32') return env['LOCALAPPDATA'] || join(home, 'AppData', 'Local')
  const given = env['XDG_STATE_HOME'] ?? ''
  // the XDG specification: a relative one is to be ignored
  if (isAbsolute(given)) return given
  return platform === 'darwin'
    ? join(home, 'Library', 'Application Support')
    : join(home, '.local', 'state')
}

/** The file when none is named: one for each user of the machine. */
export const defaultPath = (
  platform: string = process.platform,
  env: NodeJS.ProcessEnv = process.env,
  home: string = homedir(),
): string => join(stateFolder(platform, env, home), 'sd', 'registry.db')
