// A matrix of shares: colour says how much, and the number stands in the cell where there is room.
import { useState } from 'preact/hooks'
import { Frame, useWidth } from './frame'

export interface MatrixProps {
  title: string
  says: string
  rows: string[]
  columns: string[]
  values: (number | null)[][]
  show: (value: number) => string
  /** `half`: 0.5 is neutral, more is good for the row; `most`: 0 to the largest value. */
  colour: 'half' | 'most' | 'range'
  down: string
  across: string
  wide?: boolean
  empty?: string
}

const LABEL = 96
const TOP = 78
const LEAST = 26
const SLANT = 44 // how far the last column's name leans out

export function Matrix(props: MatrixProps) {
  const { title, says, rows, columns, values, show, down, across } = props
  const [place, width] = useWidth()
  const [at, setAt] = useState<[number, number] | null>(null)
  const flat = values.flat().filter((value): value is number => value !== null)
  const high = Math.max(...flat, 1e-12)
  const low = props.colour === 'range' ? Math.min(...flat, high) : 0
  const cell = Math.max(LEAST, Math.min(58, (width - LABEL - SLANT) / Math.max(columns.length, 1)))
  const line = Math.min(cell, 38)
  const full = LABEL + cell * columns.length + SLANT
  const height = TOP + line * rows.length + 4
  const sheet = {
    columns: [down, ...columns],
    rows: rows.map((name, r) => [name, ...columns.map((_, c) => values[r]?.[c] ?? null)]),
  }
  const paint = (value: number | null): { class: string; opacity: number } => {
    if (value === null) return { class: 'cell none', opacity: 1 }
    if (props.colour === 'half') return { class: value >= 0.5 ? 'cell more' : 'cell less', opacity: Math.abs(value - 0.5) * 2 }
    return { class: 'cell more', opacity: high > low ? (value - low) / (high - low) : 1 }
  }
  const move = (event: KeyboardEvent): void => {
    const steps: Record<string, [number, number]> = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }
    const step = steps[event.key]
    if (event.key === 'Escape') setAt(null)
    if (!step) return
    event.preventDefault()
    const [r, c] = at ?? [-step[0], -step[1]]
    setAt([Math.min(rows.length - 1, Math.max(0, r + step[0])), Math.min(columns.length - 1, Math.max(0, c + step[1]))])
  }
  const value = at === null ? null : (values[at[0]]?.[at[1]] ?? null)
  return (
    <Frame title={title} says={says} sheet={rows.length ? sheet : null} wide={props.wide} empty={props.empty}>
      <div ref={place} class="plot scrolls" tabIndex={0} role="group" aria-label={`${title}, scrolls sideways`}>
        {width > 0 && (
          <svg width={full} height={height} role="img" tabIndex={0} onKeyDown={move} onBlur={() => setAt(null)} onPointerLeave={() => setAt(null)}
            aria-label={`${title}: ${rows.length} rows (${down}) by ${columns.length} columns (${across}); arrow keys read cells.`}>
            {columns.map((name, c) => (
              <text key={c} class={at?.[1] === c ? 'tick strong' : 'tick'} transform={`translate(${LABEL + cell * c + cell / 2 + 3},${TOP - 8}) rotate(-42)`}>{name}</text>
            ))}
            {rows.map((name, r) => (
              <g key={r}>
                <text class={at?.[0] === r ? 'tick strong' : 'tick'} x={LABEL - 8} y={TOP + line * r + line / 2} text-anchor="end" dominant-baseline="middle">{name}</text>
                {columns.map((_, c) => {
                  const each = values[r]?.[c] ?? null
                  const { class: kind, opacity } = paint(each)
                  return (
                    <g key={c} onPointerEnter={() => setAt([r, c])}>
                      <rect class="cell under" x={LABEL + cell * c + 1} y={TOP + line * r + 1} width={cell - 2} height={line - 2} rx={4} />
                      <rect class={kind} fill-opacity={0.06 + 0.8 * opacity} x={LABEL + cell * c + 1} y={TOP + line * r + 1} width={cell - 2} height={line - 2} rx={4} />
                      {each !== null && cell >= 34 && (
                        <text class={opacity > 0.62 ? 'value on' : 'value'} x={LABEL + cell * c + cell / 2} y={TOP + line * r + line / 2} text-anchor="middle" dominant-baseline="central">{show(each)}</text>
                      )}
                    </g>
                  )
                })}
              </g>
            ))}
            {at && <rect class="chosen" x={LABEL + cell * at[1] + 1} y={TOP + line * at[0] + 1} width={cell - 2} height={line - 2} rx={4} />}
          </svg>
        )}
      </div>
      <p class="reading" role="status">
        {at === null
          ? `Rows: ${down}. Columns: ${across}.`
          : `${rows[at[0]]} → ${columns[at[1]]}: ${value === null ? 'none' : show(value)}`}
      </p>
    </Frame>
  )
}
