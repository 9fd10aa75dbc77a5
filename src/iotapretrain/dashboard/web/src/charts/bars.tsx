// Bars side by side with their names and numbers.
import { Frame, useWidth } from './frame'

export interface Bar {
  name: string
  value: number
  series?: number
  detail?: string
}

export interface BarsProps {
  title: string
  says: string
  bars: Bar[]
  show: (value: number) => string
  unit: string
  wide?: boolean
  empty?: string
}

const ROW = 30
const NUMBER = 92

export function Bars({ title, says, bars, show, unit, wide, empty }: BarsProps) {
  const [place, width] = useWidth()
  const label = Math.min(130, width * 0.34)
  const most = Math.max(...bars.map((bar) => bar.value), 1e-12)
  const room = Math.max(10, width - label - NUMBER)
  const sheet = { columns: ['name', unit], rows: bars.map((bar) => [bar.name, bar.value]) }
  return (
    <Frame title={title} says={says} sheet={sheet} wide={wide} empty={empty}>
      <div ref={place} class="plot">
        {width > 0 && (
          <svg width={width} height={ROW * bars.length + 6} role="img" aria-label={`${title}: ${bars.map((bar) => `${bar.name} ${show(bar.value)}`).join(', ')}`}>
            {bars.map((bar, n) => (
              <g key={n}>
                <text class="name" x={label - 10} y={ROW * n + ROW / 2 + 2} text-anchor="end" dominant-baseline="middle">{bar.name}</text>
                <rect class="track" x={label} y={ROW * n + 8} width={room} height={ROW - 14} rx={5} />
                <rect class={`bar s${bar.series ?? 0}`} x={label} y={ROW * n + 8} width={Math.max(2, (room * bar.value) / most)} height={ROW - 14} rx={5} />
                <text class="number" x={label + room + 8} y={ROW * n + ROW / 2 + 2} dominant-baseline="middle">{show(bar.value)}</text>
              </g>
            ))}
          </svg>
        )}
      </div>
    </Frame>
  )
}
