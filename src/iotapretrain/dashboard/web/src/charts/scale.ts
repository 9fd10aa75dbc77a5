// From numbers to places on the screen, and round numbers for axes.
export interface Scale {
  (value: number): number
  invert: (place: number) => number
}

export function scale(from: [number, number], to: [number, number]): Scale {
  const span = from[1] - from[0] || 1
  const run = (value: number): number => to[0] + ((value - from[0]) / span) * (to[1] - to[0])
  run.invert = (place: number): number => from[0] + ((place - to[0]) / (to[1] - to[0] || 1)) * span
  return run
}

export function ticks(low: number, high: number, most: number): number[] {
  if (!(high > low)) return [low]
  const rough = (high - low) / Math.max(most, 1)
  const power = 10 ** Math.floor(Math.log10(rough))
  const step = [1, 2, 5, 10].map((each) => each * power).find((each) => each >= rough) ?? 10 * power
  const found = []
  for (let n = Math.ceil(low / step); n * step <= high + step * 1e-9; n++) found.push(n * step)
  return found
}

export function extent(values: Iterable<number | null | undefined>): [number, number] | null {
  let low = Infinity
  let high = -Infinity
  for (const value of values) {
    if (value == null || !Number.isFinite(value)) continue
    low = Math.min(low, value)
    high = Math.max(high, value)
  }
  return low > high ? null : [low, high]
}

export function padded([low, high]: [number, number], share = 0.06): [number, number] {
  const pad = (high - low) * share || Math.abs(high) * share || 1
  return [low >= 0 && low - pad < 0 ? 0 : low - pad, high + pad]
}
