// What is new: one stream for the page, and answers that are asked for again when it says so.
import { useEffect, useRef, useState } from 'preact/hooks'

export type Topic = 'rounds' | 'events' | 'chain' | 'audits'
export type Link = 'connecting' | 'live' | 'lost'

interface News {
  boot: string
  topics: Record<Topic, number>
}

type Listener = (news: News) => void

const JITTER_MS = 700 // so that many viewers do not ask in the same instant
const listeners = new Set<Listener>()
const linkListeners = new Set<(link: Link) => void>()
let newest: News | null = null
let link: Link = 'connecting'

function setLink(next: Link): void {
  link = next
  for (const listener of linkListeners) listener(next)
}

export function follow(): void {
  const stream = new EventSource('/api/live')
  stream.onopen = () => setLink('live')
  stream.onerror = () => {
    setLink('lost')
    if (stream.readyState === EventSource.CLOSED) setTimeout(follow, 2000)
  }
  stream.onmessage = (message) => {
    newest = JSON.parse(message.data as string) as News
    setLink('live')
    for (const listener of listeners) listener(newest)
  }
}

export function useLink(): Link {
  const [state, setState] = useState<Link>(link)
  useEffect(() => {
    linkListeners.add(setState)
    setState(link)
    return () => void linkListeners.delete(setState)
  }, [])
  return state
}

export interface Asked<T> {
  value: T | null
  problem: string | null
  again: () => void
}

async function ask<T>(path: string, signal: AbortSignal): Promise<T> {
  const answer = await fetch(path, { signal, cache: 'no-cache' })
  const body = (await answer.json().catch(() => null)) as (T & { problem?: string }) | null
  if (!answer.ok || body === null) {
    throw new Error(body?.problem ?? `The server answered ${answer.status} to ${path}`)
  }
  return body
}

const stamp = (news: News | null, topics: Topic[]): string =>
  news === null ? '' : [news.boot, ...topics.map((topic) => news.topics[topic])].join(' ')

/** The answer at a path, kept while it is asked for again whenever one of the topics is new. */
export function useAnswer<T>(path: string | null, ...topics: Topic[]): Asked<T> {
  const [state, setState] = useState<{ path: string | null; value: T | null; problem: string | null }>({
    path: null,
    value: null,
    problem: null,
  })
  const [turn, setTurn] = useState(0)
  const seen = useRef('')
  useEffect(() => {
    if (path === null) return
    const abort = new AbortController()
    let timer = 0
    let asking = false
    let wanted = false
    const read = async (): Promise<void> => {
      if (asking) {
        wanted = true
        return
      }
      asking = true
      wanted = false
      seen.current = stamp(newest, topics)
      try {
        const value = await ask<T>(path, abort.signal)
        setState({ path, value, problem: null })
      } catch (error) {
        if (abort.signal.aborted) return
        setState((old) => ({
          path,
          value: old.path === path ? old.value : null,
          problem: error instanceof Error ? error.message : String(error),
        }))
      } finally {
        asking = false
      }
      if (wanted) void read()
    }
    const listener: Listener = (news) => {
      if (stamp(news, topics) === seen.current || timer !== 0) return
      timer = window.setTimeout(() => {
        timer = 0
        void read()
      }, Math.random() * JITTER_MS)
    }
    listeners.add(listener)
    void read()
    return () => {
      abort.abort()
      clearTimeout(timer)
      listeners.delete(listener)
    }
  }, [path, turn])
  const current = state.path === path
  return {
    value: current ? state.value : null,
    problem: current ? state.problem : null,
    again: () => setTurn((old) => old + 1),
  }
}
