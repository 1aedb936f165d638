/** Runs a round again and again, first some times to warm up; returns what the others measured. */
export const repeated = async (
  round: () => Promise<number>,
  { warmUp, rounds }: { readonly warmUp: number; readonly rounds: number },
): Promise<number[]> => {
  for (let index = 0; index < warmUp; index += 1) await round()
  const measured: number[] = []
  for (let index = 0; index < rounds; index += 1) measured.push(await round())
  return measured
}
