// The whole network at a glance.
import { useEffect, useState } from 'preact/hooks'
import type { Activity, Overview, Standing } from '../answers'
import { Bars } from '../charts/bars'
import { extent, padded, scale } from '../charts/scale'
import { ago, loss, named, share, tao, whole } from '../format'
import { AnswerPage, Facts, Section } from '../parts'

export function OverviewPage() {
  return (
    <AnswerPage<Overview> title="Overview" lead="People who do not trust each other train language models; whoever improves on the best is paid." path="/api/overview" topics={['rounds', 'events', 'chain']}>
      {(value) => <Shown value={value} />}
    </AnswerPage>
  )
}

function Shown({ value }: { value: Overview }) {
  const audits = value.audits_held + value.audits_failed
  return (
    <>
      <Facts
        facts={[
          ['Block', whole(value.block), 'The newest block of the chain'],
          ['Miners judged', whole(value.miners)],
          ['Validators', whole(value.validators)],
          ['Rounds', whole(value.rounds), 'Signed round records of all validators'],
          ['Refused', whole(value.refused), 'Miners whose newest model was refused or failed'],
          ['Audits held', audits === 0 ? '–' : `${value.audits_held} of ${audits}`],
        ]}
      />
      {value.ended !== null && <p class="remark">This network has ended, at block {whole(value.ended)}; what is shown is its last state.</p>}
      {value.chain_problem && <p class="remark">The chain cannot be read: {value.chain_problem}. Records are shown all the same.</p>}
      <div class="cards">
        {value.competitions.map((each) => <Card key={each.id} standing={each} />)}
        {value.competitions.length === 0 && (
          <Section title="No round yet" says="As soon as a validator has decided its first round, it appears here." wide>
            <p class="nothing">Waiting for records…</p>
          </Section>
        )}
      </div>
      <div class="panels">
        <Bars
          title="Paid in the last epoch"
          says="What the chain gave to each hotkey: miners in the first colour, validators in the second."
          unit="rao"
          bars={value.payees.map((each) => ({ name: named(each.who), value: each.emission, series: each.incentive > 0 ? 0 : 1, detail: share(each.incentive) }))}
          show={tao}
          empty="The chain has paid nobody yet."
        />
        <Feed activity={value.activity} />
      </div>
    </>
  )
}

function Card({ standing }: { standing: Standing }) {
  const first = standing.losses[0]?.[1]
  return (
    <a class="card" href={`/competition/${standing.id}`}>
      <span class="kicker">Competition {standing.id}</span>
      <h2>{standing.name}</h2>
      <p class="big">{loss(standing.loss)} <small>nats a token</small></p>
      <p>
        {standing.champion ? <>led by <b>{named(standing.champion)}</b></> : 'no champion yet'}
        {first !== undefined && standing.loss !== null && first > standing.loss && <span class="gain"> ▼ {share(1 - standing.loss / first)} since its first round</span>}
      </p>
      <Spark points={standing.losses} />
      <p class="small">{whole(standing.scored)} of {whole(standing.models)} models scored in round at block {whole(standing.block)}</p>
    </a>
  )
}

function Spark({ points }: { points: [number, number][] }) {
  const range = extent(points.map((point) => point[1]))
  const across = extent(points.map((point) => point[0]))
  if (!range || !across || points.length < 2) return <div class="spark" />
  const x = scale(across, [2, 298])
  const y = scale(padded(range), [62, 4])
  const line = points.map(([block, value], n) => `${n ? 'L' : 'M'}${x(block).toFixed(1)},${y(value).toFixed(1)}`).join('')
  return (
    <svg class="spark" viewBox="0 0 300 66" preserveAspectRatio="none" aria-hidden="true">
      <path class="area" d={`${line}V66H2Z`} />
      <path class="line" d={line} />
    </svg>
  )
}

function Feed({ activity }: { activity: Activity[] }) {
  const [now, setNow] = useState(() => Date.now() / 1000)
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now() / 1000), 10_000)
    return () => clearInterval(timer)
  }, [])
  return (
    <Section title="What happened" says="The newest first, in plain words.">
      {activity.length === 0 && <p class="nothing">Nothing yet.</p>}
      <ol class="feed" tabIndex={0} aria-label="What happened">
        {activity.map((each) => (
          <li key={`${each.time}${each.title}`} class={each.tone}>
            <b>{each.hotkey ? <a href={`/miner/${each.hotkey}`}>{each.title}</a> : each.title}</b>
            <span>{each.detail}</span>
            <time dateTime={new Date(each.time * 1000).toISOString()}>{ago(each.time, now)}</time>
          </li>
        ))}
      </ol>
    </Section>
  )
}

