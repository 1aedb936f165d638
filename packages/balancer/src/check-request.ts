import { RegistryError, show } from '@sd/core'
import type { PickOptions } from './pick.ts'

/**
 * Checks the options of a pick. Throws `invalid-argument` for a mistake that would otherwise show
 * late.
 */
export const checkRequest = ({ key, exclude }: PickOptions, service: string | undefined): void => {
  const refuse = (field: string, given: unknown, accepted: string): never => {
    throw new RegistryError('invalid-argument', {
      backend: 'balancer',
      operation: 'pick',
      service,
      message: `${field} is ${show(given)}; expected ${accepted}`,
    })
  }
  if (key !== undefined && typeof key !== 'string') refuse('key', key, 'a string')
  if (exclude !== undefined && typeof exclude.has !== 'function')
    refuse('exclude', exclude, 'a set of ids')
}
