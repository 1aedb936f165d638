import type { Backend, LoadedBackend } from './backends.ts'
import { configError } from './config-error.ts'

/** Whether `cause` says that `packageName` itself is missing, rather than something it imports. */
const isMissing = (cause: unknown, packageName: string): boolean =>
  cause instanceof Error &&
  'code' in cause &&
  (cause.code === 'ERR_MODULE_NOT_FOUND' || cause.code === 'MODULE_NOT_FOUND') &&
  (cause.message.startsWith(`Cannot find package '${packageName}'`) ||
    cause.message.startsWith(`Cannot find module '${packageName}'`))

/**
 * Imports a backend's package. Throws `invalid-config` with the install command if the package is
 * missing, or with the import error if the package is installed but does not load.
 */
export const loadBackend = async (
  name: string,
  { packageName, load }: Pick<Backend, 'packageName' | 'load'>,
): Promise<LoadedBackend> => {
  try {
    return await load()
  } catch (cause) {
    if (isMissing(cause, packageName))
      throw configError(
        `backend "${name}" needs the package ${packageName}: npm install ${packageName}`,
        name,
        cause,
      )
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw configError(
      `backend "${name}": the package ${packageName} is installed but does not load: ${reason}`,
      name,
      cause,
    )
  }
}
