import type { Benchmark, Goal } from '../frame/benchmark.ts'
import type { Measured } from '../frame/run-benchmark.ts'
import { judgeGoal } from './judge-goal.ts'

/** A figure with three significant digits, and no exponent. */
export const figure = (value: number): string =>
  Math.abs(value) >= 100 ? value.toFixed(0) : Number(value.toPrecision(3)).toString()

/** A goal as text: `@sd ≤ 1.15 × etcd3`. */
export const describeGoal = ({ side, against, atMost }: Goal, unit: string): string =>
  against === undefined ? `${side} ≤ ${atMost} ${unit}` : `${side} ≤ ${atMost} × ${against}`

/** What a run measured, as lines for a terminal. */
export const describeMeasured = (benchmark: Benchmark, measured: Measured): readonly string[] => {
  const lines: string[] = []
  for (const [key, { what, unit, goals = [] }] of Object.entries(benchmark.rows)) {
    const sides = measured.rows[key] ?? {}
    lines.push(`  ${what} (${unit})`)
    for (const [side, { median, p99, min, max, values }] of Object.entries(sides))
      lines.push(
        `    ${side.padEnd(24)} ${figure(median).padStart(9)}  p99 ${figure(p99)}, ${figure(min)}–${figure(max)}, ${values} values`,
      )
    for (const goal of goals) {
      const judged = judgeGoal(goal, sides)
      if (judged === undefined) continue
      const { found, lowest, highest, met } = judged
      lines.push(
        `    ${met ? 'met ' : 'OVER'} ${figure(found)} (rounds ${figure(lowest)}–${figure(highest)}): ${describeGoal(goal, unit)}`,
      )
    }
  }
  return lines
}
