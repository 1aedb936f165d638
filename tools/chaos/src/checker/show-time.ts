/** A time of a run: `12:03.456`, minutes and seconds since its start. */
export const showMs = (ms: number): string => {
  if (!Number.isFinite(ms)) return 'never'
  const minutes = Math.floor(ms / 60_000)
  return `${String(minutes).padStart(2, '0')}:${((ms % 60_000) / 1_000).toFixed(3).padStart(6, '0')}`
}
