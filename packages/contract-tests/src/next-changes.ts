import type { BaseWatcher } from '@sd/core'

/** The next changes that a watcher delivers; skips events of a link that breaks in between. */
export const nextChanges = async <Change>(
  watcher: BaseWatcher<Change>,
): Promise<readonly Change[]> => {
  for (;;) {
    const event = await watcher.next()
    if (event === undefined) return []
    if (event.type !== 'stale' && event.changes.length > 0) return event.changes
  }
}

/** Waits for the next `sync`, and returns its changes. */
export const nextSync = async <Change>(
  watcher: BaseWatcher<Change>,
): Promise<readonly Change[]> => {
  for (;;) {
    const event = await watcher.next()
    if (event === undefined) throw new Error('the watcher ended before a sync')
    if (event.type === 'sync') return event.changes
  }
}
