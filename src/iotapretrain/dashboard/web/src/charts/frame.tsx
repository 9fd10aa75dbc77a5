// What every chart stands in: a title, what it says, and ways to take it along.
import type { ComponentChildren } from 'preact'
import { useEffect, useRef, useState } from 'preact/hooks'
import { csv, fileName, json, png, save, type Sheet } from './save'

export interface FrameProps {
  title: string
  says: string
  sheet: Sheet | null
  wide?: boolean
  empty?: string
  children: ComponentChildren
}

export function Frame({ title, says, sheet, wide, empty, children }: FrameProps) {
  const body = useRef<HTMLDivElement>(null)
  const name = fileName(title)
  const text = (content: string, kind: string, end: string): void => save(new Blob([content], { type: kind }), `${name}.${end}`)
  const picture = async (): Promise<void> => {
    const svg = body.current?.querySelector('svg')
    if (svg) save(await png(svg), `${name}.png`)
  }
  const nothing = sheet === null || sheet.rows.length === 0
  return (
    <figure class={wide ? 'panel wide' : 'panel'}>
      <header>
        <figcaption>
          <h2>{title}</h2>
          <p>{says}</p>
        </figcaption>
        {sheet !== null && !nothing && (
          <div class="saves" role="group" aria-label={`Save “${title}”`}>
            <button type="button" onClick={() => text(csv(sheet), 'text/csv', 'csv')}>CSV</button>
            <button type="button" onClick={() => text(json(sheet), 'application/json', 'json')}>JSON</button>
            <button type="button" onClick={() => void picture()}>PNG</button>
          </div>
        )}
      </header>
      <div ref={body} class="chart">
        {nothing ? <p class="nothing">{empty ?? 'Nothing to show yet.'}</p> : children}
      </div>
    </figure>
  )
}

/** The width that there is, followed as it changes; the first is for the element's `ref`. */
export function useWidth(): [(element: HTMLDivElement | null) => void, number] {
  const [element, place] = useState<HTMLDivElement | null>(null)
  const [width, setWidth] = useState(0)
  useEffect(() => {
    if (!element) return
    const watch = new ResizeObserver(() => setWidth(element.clientWidth))
    watch.observe(element)
    setWidth(element.clientWidth)
    return () => watch.disconnect()
  }, [element])
  return [place, width]
}
