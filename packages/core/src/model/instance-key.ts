/**
 * One string for a service and an id, to key maps by: different pairs make different keys, whatever
 * characters the names hold.
 */
export const instanceKey = (service: string, id: string): string =>
  `${service.length}:${service}/${id}`
