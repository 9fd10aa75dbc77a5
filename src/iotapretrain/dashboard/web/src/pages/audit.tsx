// Compute a published round again, and watch.
import { useEffect, useRef, useState } from 'preact/hooks'
import type { AuditJob, AuditPage as Answered } from '../answers'
import { AnswerPage, Badge, Choice, Hotkey, Section, whoOption } from '../parts'
import { choose, usePlace } from '../route'

const STATES: Record<string, [string, string]> = {
  running: ['plain', 'running'],
  held: ['good', 'holds'],
  failed: ['bad', 'does not hold'],
  stopped: ['bad', 'could not be done'],
}

export function AuditPage() {
  return (
    <AnswerPage<Answered> title="Audit" lead="A round’s record says everything that is needed to compute it again: seed, pages, models, losses, weights. Do not believe it: check it." path="/api/audits" topics={['audits', 'rounds']}>
      {(page) => <Shown page={page} />}
    </AnswerPage>
  )
}

function Shown({ page }: { page: Answered }) {
  const { query } = usePlace()
  const [problem, setProblem] = useState<string | null>(null)
  const chosen = page.validators.find((each) => each.validator.hotkey === query.get('validator')) ?? page.validators[0]
  const wanted = Number(query.get('round'))
  const round = chosen?.rounds.includes(wanted) ? wanted : chosen?.rounds[0]
  const running = page.jobs.some((job) => job.state === 'running')
  const start = async (): Promise<void> => {
    if (!chosen || round === undefined) return
    const body = JSON.stringify({ validator: chosen.validator.hotkey, round })
    const answer = await fetch('/api/audits', { method: 'POST', headers: { 'Content-Type': 'application/json' }, body })
    setProblem(answer.ok ? null : (((await answer.json().catch(() => ({}))) as { problem?: string }).problem ?? `The server answered ${answer.status}`))
  }
  return (
    <div class="panels">
      <Section title="Audit a round" says="One at a time, in a process of its own: a sample of the losses is computed anew, everything else in full." wide>
        {chosen && round !== undefined ? (
          <form class="form" onSubmit={(event) => { event.preventDefault(); void start() }}>
            <Choice label="Validator" value={chosen.validator.hotkey} options={page.validators.map((each) => whoOption(each.validator))} onChange={(value) => choose({ validator: value, round: null })} />
            <Choice label="Round" value={String(round)} options={chosen.rounds.map((each) => [String(each), String(each)])} onChange={(value) => choose({ round: value })} />
            <button type="submit" class="button primary" disabled={page.problem !== null}>{running ? 'Running…' : 'Audit it'}</button>
          </form>
        ) : (
          <p class="nothing">No round has been published yet.</p>
        )}
        {page.problem && <p class="remark">{page.problem}</p>}
        {problem && <p class="problem" role="alert">{problem}</p>}
      </Section>
      {page.jobs.map((job) => <Job key={job.number} job={job} />)}
    </div>
  )
}

function Job({ job }: { job: AuditJob }) {
  const [tone, text] = STATES[job.state] ?? ['plain', job.state]
  const end = useRef<HTMLOListElement>(null)
  useEffect(() => {
    end.current?.scrollTo({ top: end.current.scrollHeight })
  }, [job.steps.length])
  return (
    <section class="panel wide job">
      <header>
        <h2>Round {job.round} of <Hotkey who={job.validator} plain /></h2>
        <Badge tone={tone}>{text}</Badge>
      </header>
      <ol ref={end} class="steps" tabIndex={0} aria-label={`Steps of the audit of round ${job.round}`} aria-live="polite">
        {job.steps.map((step, n) => (
          <li key={n}><time>{step.seconds.toFixed(1)} s</time><span>{step.text}</span></li>
        ))}
        {job.steps.length === 0 && <li><time>0.0 s</time><span>starting…</span></li>}
      </ol>
    </section>
  )
}
