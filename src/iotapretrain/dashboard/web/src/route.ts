// Addresses: every page, and what is chosen on it, has one.
import { useEffect, useState } from 'preact/hooks'

export interface Place {
  path: string[]
  query: URLSearchParams
}

const MOVED = 'moved'

export function here(): Place {
  const path = location.pathname.split('/').filter(Boolean).map(decodeURIComponent)
  return { path, query: new URLSearchParams(location.search) }
}

export function go(href: string, replace = false): void {
  if (replace) history.replaceState(null, '', href)
  else history.pushState(null, '', href)
  dispatchEvent(new Event(MOVED))
}

export function choose(changes: Record<string, string | null>): void {
  const query = here().query
  for (const [name, value] of Object.entries(changes)) {
    if (value === null) query.delete(name)
    else query.set(name, value)
  }
  const text = query.toString()
  go(location.pathname + (text === '' ? '' : `?${text}`), true)
}

export function usePlace(): Place {
  const [place, setPlace] = useState(here)
  useEffect(() => {
    const moved = (): void => setPlace(here())
    addEventListener('popstate', moved)
    addEventListener(MOVED, moved)
    return () => {
      removeEventListener('popstate', moved)
      removeEventListener(MOVED, moved)
    }
  }, [])
  return place
}

/** Links to this page stay in it; others, and those opened elsewhere, are the browser's. */
export function catchLinks(): void {
  document.addEventListener('click', (event) => {
    if (event.defaultPrevented || event.button !== 0) return
    if (event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return
    const anchor = (event.target as Element | null)?.closest?.('a[href]')
    const href = anchor?.getAttribute('href')
    if (!anchor || !href?.startsWith('/') || anchor.hasAttribute('download')) return
    event.preventDefault()
    go(href)
    scrollTo(0, 0)
    document.getElementById('main')?.focus({ preventScroll: true })
  })
}
