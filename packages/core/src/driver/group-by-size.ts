/**
 * Cuts `items`, in their order, into groups that are no larger than `maxSize` each, as long as no
 * single item is: one that is too large stands alone.
 */
export const groupBySize = <T>(
  items: readonly T[],
  maxSize: number,
  sizeOf: (item: T) => number,
): T[][] => {
  const groups: T[][] = []
  let filled = 0
  for (const item of items) {
    const size = sizeOf(item)
    const group = groups.at(-1)
    if (group === undefined || filled + size > maxSize) {
      groups.push([item])
      filled = size
    } else {
      group.push(item)
      filled += size
    }
  }
  return groups
}
