// Lines over blocks: told apart by colour and by dashes, read with the mouse or with arrow keys.
import { useId, useState } from 'preact/hooks'
import { share, tick } from '../format'
import { Frame, useWidth } from './frame'
import { extent, padded, scale, ticks } from './scale'

export interface Line {
  name: string
  values: (number | null)[]
  stepped?: boolean
  faint?: boolean
  points?: boolean
  hue?: number
}

export interface LinesProps {
  title: string
  says: string
  across: string
  xs: number[]
  lines: Line[]
  show: (value: number) => string
  wide?: boolean
  height?: number
  floor?: number
  empty?: string
  note?: (place: number) => string | null
}

const hue = (line: Line, n: number): string => `s${(line.hue ?? n) % 8}`
const MARGIN = { top: 10, right: 14, bottom: 34, left: 52 }

function path(xs: number[], ys: (number | null)[], x: (v: number) => number, y: (v: number) => number, stepped: boolean): string {
  let text = ''
  let before: number | null = null
  xs.forEach((at, n) => {
    const value = ys[n]
    if (value == null) {
      before = null
      return
    }
    const place = `${x(at).toFixed(1)},${y(value).toFixed(1)}`
    if (before === null) text += `M${place}`
    else if (stepped) text += `H${x(at).toFixed(1)}V${y(value).toFixed(1)}`
    else text += `L${place}`
    before = value
  })
  return text
}

/** One share over blocks, from zero up. */
export function ShareLine({ digits, line, ...rest }: { title: string; says: string; xs: number[]; line: Line; digits: number }) {
  return <Lines {...rest} across="block" lines={[line]} show={(value) => share(value, digits)} floor={0} />
}

export function Lines(props: LinesProps) {
  const { title, says, across, xs, lines, show, wide, empty } = props
  const [place, width] = useWidth()
  const [at, setAt] = useState<number | null>(null)
  const [hidden, setHidden] = useState<ReadonlySet<string>>(new Set())
  const clip = useId()
  const height = props.height ?? 250
  const shown = lines.filter((line) => !hidden.has(line.name))
  const range = extent(shown.flatMap((line) => line.values)) ?? [0, 1]
  const [low, high] = padded(props.floor === undefined ? range : [Math.min(props.floor, range[0]), range[1]])
  const inset = lines.some((line) => line.points) ? 10 : 0
  const x = scale([xs[0] ?? 0, xs[xs.length - 1] ?? 1], [MARGIN.left + inset, Math.max(width - MARGIN.right - inset, MARGIN.left + inset + 1)])
  const y = scale([low, high], [height - MARGIN.bottom, MARGIN.top])
  const sheet = {
    columns: [across, ...lines.map((line) => line.name)],
    rows: xs.map((value, n) => [value, ...lines.map((line) => line.values[n] ?? null)]),
  }
  const nearest = (event: PointerEvent): void => {
    const box = (event.currentTarget as Element).getBoundingClientRect()
    const value = x.invert(event.clientX - box.left)
    let best = 0
    xs.forEach((each, n) => {
      if (Math.abs(each - value) < Math.abs((xs[best] ?? 0) - value)) best = n
    })
    setAt(best)
  }
  const steps: Record<string, (n: number) => number> = {
    ArrowLeft: (n) => n - 1,
    ArrowRight: (n) => n + 1,
    Home: () => 0,
    End: () => xs.length - 1,
  }
  const keys = (event: KeyboardEvent): void => {
    const step = steps[event.key]
    if (event.key === 'Escape') setAt(null)
    if (!step) return
    event.preventDefault()
    setAt((n) => Math.min(xs.length - 1, Math.max(0, step(n ?? xs.length))))
  }
  const toggle = (name: string): void => {
    const next = new Set(hidden)
    if (!next.delete(name)) next.add(name)
    setHidden(next)
  }
  const mark = at === null ? null : xs[at]
  const note = at === null ? null : (props.note?.(at) ?? null)
  const label = `${title}. ${lines.length} ${lines.length === 1 ? 'line' : 'lines'} over ${xs.length} points; arrow keys read values.`
  return (
    <Frame title={title} says={says} sheet={sheet} wide={wide} empty={empty}>
      <div ref={place} class="plot">
        {width > 0 && (
          <svg
            width={width}
            height={height}
            role="img"
            aria-label={label}
            tabIndex={0}
            onPointerMove={nearest}
            onPointerLeave={() => setAt(null)}
            onKeyDown={keys}
            onBlur={() => setAt(null)}
          >
            <clipPath id={clip}>
              <rect x={MARGIN.left} y={0} width={Math.max(0, width - MARGIN.left - MARGIN.right)} height={height} />
            </clipPath>
            {ticks(low, high, height / 55).map((value) => (
              <g key={value}>
                <line class="grid" x1={MARGIN.left} x2={width - MARGIN.right} y1={y(value)} y2={y(value)} />
                <text class="tick" x={MARGIN.left - 8} y={y(value)} text-anchor="end" dominant-baseline="middle">{show(value)}</text>
              </g>
            ))}
            {ticks(xs[0] ?? 0, xs[xs.length - 1] ?? 1, width / 90).map((value) => (
              <text key={value} class="tick" x={x(value)} y={height - MARGIN.bottom + 16} text-anchor="middle">{tick(value)}</text>
            ))}
            <text class="axis" x={width - MARGIN.right} y={height - 3} text-anchor="end">{across}</text>
            {lines.map((line, n) =>
              hidden.has(line.name) ? null : (
                <g key={line.name} class={`series ${hue(line, n)} ${line.faint ? 'faint' : ''}`} clip-path={`url(#${clip})`}>
                  {!line.points && <path d={path(xs, line.values, x, y, line.stepped ?? false)} />}
                  {(line.points || line.values.filter((value) => value != null).length < 2) &&
                    line.values.map((value, k) => (value == null ? null : <circle key={k} cx={x(xs[k] ?? 0)} cy={y(value)} r={3.5} />))}
                </g>
              ),
            )}
            {mark != null && at !== null && (
              <g>
                <line class="cursor" x1={x(mark)} x2={x(mark)} y1={MARGIN.top} y2={height - MARGIN.bottom} />
                {lines.map((line, n) => {
                  const value = line.values[at]
                  return value == null || hidden.has(line.name) ? null : (
                    <circle key={line.name} class={`dot ${hue(line, n)}`} cx={x(mark)} cy={y(value)} r={4} />
                  )
                })}
              </g>
            )}
          </svg>
        )}
        <div class={`tip ${mark != null && x(mark) > width / 2 ? 'left' : ''}`} role="status" hidden={mark == null}>
          {mark != null && at !== null && (
            <>
              <b>{across} {mark.toLocaleString('en')}</b>
              {note && <span class="note">{note}</span>}
              {lines.map((line, n) =>
                hidden.has(line.name) || line.values[at] == null ? null : (
                  <span key={line.name}><i class={`key ${hue(line, n)}`} />{line.name} <b>{show(line.values[at] as number)}</b></span>
                ),
              )}
            </>
          )}
        </div>
      </div>
      {lines.length > 1 && (
        <div class="legend" role="group" aria-label={`Lines of “${title}”`}>
          {lines.map((line, n) => (
            <button key={line.name} type="button" aria-pressed={!hidden.has(line.name)} onClick={() => toggle(line.name)}>
              <svg class={`swatch series ${hue(line, n)} ${line.faint ? 'faint' : ''}`} width="22" height="8" aria-hidden="true"><path d="M1,4H21" /></svg>
              {line.name}
            </button>
          ))}
        </div>
      )}
    </Frame>
  )
}
