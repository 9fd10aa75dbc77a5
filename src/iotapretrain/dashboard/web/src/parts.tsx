// Small parts that all pages are made of.
import type { ComponentChildren } from 'preact'
import { useEffect, useState } from 'preact/hooks'
import type { Place, Who, Why } from './answers'
import { named, outcome, short } from './format'
import { useAnswer, type Asked, type Topic } from './live'

const WAIT_MS = 150 // an answer that comes at once needs no sign of waiting

export function Page({ title, lead, children, tools }: { title: string; lead?: ComponentChildren; tools?: ComponentChildren; children: ComponentChildren }) {
  useEffect(() => {
    document.title = `${title} · iotapretrain`
  }, [title])
  return (
    <>
      <div class="head">
        <div>
          <h1>{title}</h1>
          {lead && <p class="lead">{lead}</p>}
        </div>
        {tools && <div class="tools">{tools}</div>}
      </div>
      {children}
    </>
  )
}

/** The answer once it is there; until then, or instead, what is the matter. */
export function Answer<T>({ asked, children }: { asked: Asked<T>; children: (value: T) => ComponentChildren }) {
  const [late, setLate] = useState(false)
  useEffect(() => {
    const timer = setTimeout(() => setLate(true), WAIT_MS)
    return () => clearTimeout(timer)
  }, [])
  const { value, problem, again } = asked
  return (
    <>
      {problem !== null && (
        <div class="problem" role="alert">
          <p>{problem}</p>
          <button type="button" onClick={again}>Try again</button>
        </div>
      )}
      {value !== null ? children(value) : problem === null && late && <Waiting />}
    </>
  )
}

/** A page about which nothing can be chosen: one answer, and what to draw of it. */
export function AnswerPage<T>({ title, lead, path, topics, children }: { title: string; lead: string; path: string; topics: Topic[]; children: (value: T) => ComponentChildren }) {
  const asked = useAnswer<T>(path, ...topics)
  return <Page title={title} lead={lead}><Answer asked={asked}>{children}</Answer></Page>
}

function Waiting() {
  return (
    <div class="waiting" role="status" aria-label="Loading">
      <span /><span /><span />
    </div>
  )
}

export function Hotkey({ who, plain }: { who: Who; plain?: boolean }) {
  const text = (
    <>
      {who.uid !== null && <span class="uid">{who.uid}</span>}
      <span class={who.name ? '' : 'mono'}>{named(who)}</span>
    </>
  )
  return plain ? <span class="who" title={who.hotkey}>{text}</span> : <a class="who" href={`/miner/${who.hotkey}`} title={who.hotkey}>{text}</a>
}

const TONES: Record<string, string> = { evaluated: 'good', infrastructure: 'plain', holds: 'good', held: 'good' }

export function Verdict({ name, reasons, racedOut, round }: { name: string; reasons: Why[]; racedOut?: boolean; round?: number | null }) {
  const kept = name === 'evaluated' && reasons.length === 0
  const tone = kept || name in TONES ? (TONES[name] ?? 'plain') : 'bad'
  return (
    <span class="verdict">
      <Badge tone={name === 'evaluated' && reasons.length > 0 ? 'plain' : tone}>{racedOut ? 'raced out' : outcome(name)}</Badge>
      {round != null && <span class="why">in round {round}</span>}
      {reasons.map((why) => (
        <span key={why.code + why.sentence} class="why"><b>{why.code}</b> {why.sentence}</span>
      ))}
    </span>
  )
}

export function Badge({ tone, children }: { tone: string; children: ComponentChildren }) {
  return <span class={`badge ${tone}`}><i aria-hidden="true">{tone === 'good' ? '✓' : tone === 'bad' ? '✕' : '•'}</i>{children}</span>
}

export function Facts({ facts }: { facts: [string, ComponentChildren, string?][] }) {
  return (
    <dl class="facts">
      {facts.map(([name, value, hint]) => (
        <div key={name} title={hint}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  )
}

export function Scrolls({ label, children }: { label: string; children: ComponentChildren }) {
  return <div class="scrolls table" role="region" aria-label={label} tabIndex={0}>{children}</div>
}

export function Section({ title, says, children, wide }: { title: string; says?: string; children: ComponentChildren; wide?: boolean }) {
  return (
    <section class={wide ? 'panel wide' : 'panel'}>
      <header>
        <div>
          <h2>{title}</h2>
          {says && <p>{says}</p>}
        </div>
      </header>
      {children}
    </section>
  )
}

export const revision = (place: Pick<Place, 'repository' | 'revision'>): string =>
  place.repository === null ? '–' : `${place.repository}${place.revision ? `@${place.revision.slice(0, 7)}` : ''}`

export function Choice({ label, value, options, onChange }: { label: string; value: string; options: [string, string][]; onChange: (value: string) => void }) {
  return (
    <label class="choice">
      <span>{label}</span>
      <select value={value} onChange={(event) => onChange(event.currentTarget.value)}>
        {options.map(([key, text]) => <option key={key} value={key}>{text}</option>)}
      </select>
    </label>
  )
}

export const whoOption = (who: Who): [string, string] => [who.hotkey, who.name ?? short(who.hotkey)]
