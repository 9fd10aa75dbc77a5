// One competition as one validator sees it.
import { useState } from 'preact/hooks'
import type { Benchmarks, CompetitionPage as Answered, DuelsPage, Lineage, Overview, Place } from '../answers'
import { Lines, ShareLine } from '../charts/line'
import { Matrix } from '../charts/matrix'
import { csv, save } from '../charts/save'
import { Tree } from '../charts/tree'
import { loss, named, outcome, share, whole } from '../format'
import { useAnswer } from '../live'
import { Answer, Badge, Choice, Facts, Hotkey, Page, Scrolls, Section, Verdict, revision, whoOption } from '../parts'
import { choose, go, usePlace } from '../route'

const TASKS_SHOWN = 16

export function CompetitionPage({ id }: { id: string | undefined }) {
  const { query } = usePlace()
  const validator = query.get('validator')
  const overview = useAnswer<Overview>('/api/overview', 'rounds')
  const first = overview.value?.competitions[0]?.id
  const chosen = id ?? (first === undefined ? null : String(first))
  const known = validator === null ? '' : `validator=${encodeURIComponent(validator)}`
  const places = query.get('places') ?? '100'
  const base = `/api/competitions/${chosen}`
  const asked = useAnswer<Answered>(chosen === null ? null : `${base}?places=${places}&${known}`, 'rounds', 'events')
  const duels = useAnswer<DuelsPage>(chosen === null ? null : `${base}/duels?${known}`, 'rounds')
  const lineage = useAnswer<Lineage>(chosen === null ? null : `${base}/lineage`, 'rounds')
  const benchmarks = useAnswer<Benchmarks>('/api/benchmarks', 'events', 'rounds')
  const value = asked.value
  const tools = overview.value && (
    <>
      <Choice label="Competition" value={String(chosen)} options={overview.value.competitions.map((each) => [String(each.id), each.name])} onChange={(next) => go(`/competition/${next}${location.search}`)} />
      {value && value.validators.length > 1 && (
        <Choice label="As seen by" value={value.validator?.hotkey ?? ''} options={value.validators.map(whoOption)} onChange={(next) => choose({ validator: next })} />
      )}
    </>
  )
  if (overview.value && chosen === null) {
    return (
      <Page title="Competition">
        <Section title="No round yet" says="As soon as a validator has decided its first round, it appears here."><p class="nothing">Waiting for records…</p></Section>
      </Page>
    )
  }
  return (
    <Page title={value ? `Competition ${value.name}` : 'Competition'} tools={tools} lead="Models are scored on the same random pages; the best is paid, and a later one must beat it by epsilon.">
      <Answer asked={asked}>{(page) => <Shown page={page} duels={duels.value} lineage={lineage.value} benchmarks={benchmarks.value} />}</Answer>
    </Page>
  )
}

function Shown({ page, duels, lineage, benchmarks }: { page: Answered; duels: DuelsPage | null; lineage: Lineage | null; benchmarks: Benchmarks | null }) {
  const leader = page.board.find((place) => place.champion)
  const newest = page.history.at(-1)
  const tasks = Object.keys(page.tasks)
  const scored = page.board.filter((place) => place.rank !== null).slice(0, TASKS_SHOWN)
  return (
    <>
      <Facts
        facts={[
          ['Champion', leader ? <Hotkey who={leader.who} /> : '–'],
          ['Its loss', loss(leader?.score)],
          ['To beat it', loss(newest?.to_beat), 'A later model must be strictly below'],
          ['Epsilon now', share(newest?.epsilon, 3)],
          ['Pages saved', newest?.pages_share == null ? '–' : share(1 - newest.pages_share, 0), 'The race drops models that can no longer win'],
          ['Round', <>{whole(page.round)} <Badge tone={page.sealed ? 'good' : 'bad'}>{page.sealed ? 'signed' : 'signature does not hold'}</Badge></>],
        ]}
      />
      <Board page={page} />
      <div class="panels">
        <Lines
          title="Champion’s loss"
          says="The best model’s score round by round, and the loss that a later model must be below."
          across="block"
          xs={page.history.map((each) => each.block)}
          lines={[
            { name: 'champion', values: page.history.map((each) => each.loss), stepped: true },
            { name: 'to beat', values: page.history.map((each) => each.to_beat), stepped: true },
          ]}
          show={loss}
          wide
          note={(at) => {
            const champion = page.history[at]?.champion
            return champion == null ? null : named(page.champions[champion]!)
          }}
          empty="No round had a champion yet."
        />
        <Lines
          title="Epsilon by age"
          says="The advantage of an earlier model shrinks with its age: one point a model of the newest round."
          across="age in blocks"
          xs={page.decay.map(([age]) => age)}
          lines={[{ name: 'epsilon', values: page.decay.map(([, epsilon]) => epsilon), points: true }]}
          show={(value) => share(value, 2)}
          floor={0}
        />
        <ShareLine
          title="Epsilon of the champion"
          says="It falls while a champion reigns, and jumps back when a new one takes over."
          xs={page.history.map((each) => each.block)}
          line={{ name: 'epsilon', values: page.history.map((each) => each.epsilon) }}
          digits={2}
        />
        <Matrix
          title="Head to head"
          says={`On which share of the ${duels?.duels.pages ?? 0} pages the model of the row beats that of the column, epsilon counted.`}
          rows={duels && duels.who.length > 1 ? duels.who.map(named) : []}
          columns={(duels?.who ?? []).map(named)}
          values={duels?.duels.shares ?? []}
          show={(value) => `${Math.round(value * 100)}`}
          colour="half"
          down="wins"
          across="against"
          empty="It takes two models that were scored."
        />
        <Matrix
          title="Losses by task"
          says="Nats a token of the best models; darker is a higher loss."
          rows={scored.map((place) => named(place.who))}
          columns={tasks.map((name) => `${name} · ${share(page.tasks[name], 0)}`)}
          values={scored.map((place) => tasks.map((name) => place.tasks[name] ?? null))}
          show={(value) => value.toFixed(2)}
          colour="range"
          down="model"
          across="task and its weight"
          empty="No model has a score."
        />
        {lineage && <Tree title="Lineage" says="Models by the block of their commitment; model cards say which one they were trained on from." models={lineage.models} />}
        {benchmarks?.documents.map((each) => <BenchmarkTable key={each.place} document={each} />)}
      </div>
    </>
  )
}

function Board({ page }: { page: Answered }) {
  const [wanted, setWanted] = useState('')
  const text = wanted.trim().toLowerCase()
  const rows = page.board.filter((place) => text === '' || searched(place).includes(text))
  const columns = ['rank', 'uid', 'hotkey', 'name', 'repository', 'commit', 'block', 'outcome', 'reasons', 'score', 'epsilon', 'win_rate', 'weight', 'standing']
  const download = (): void => {
    const sheet = page.board.map((place) => [
      place.rank, place.who.uid, place.who.hotkey, place.who.name, place.repository, place.revision, place.block, place.outcome,
      place.reasons.map((why) => why.sentence).join('; '), place.score, place.epsilon, place.win_rate, place.weight, place.standing,
    ])
    save(new Blob([csv({ columns, rows: sheet })], { type: 'text/csv' }), `leaderboard-${page.name}.csv`)
  }
  return (
    <section class="panel wide board">
      <header>
        <div>
          <h2>Leaderboard</h2>
          <p>Round {whole(page.round)} at block {whole(page.block)}: every model with its verdict and why.</p>
        </div>
        <div class="saves">
          <input type="search" id="find" placeholder="Find a miner or reason" aria-label="Find a miner or reason" value={wanted} onInput={(event) => setWanted(event.currentTarget.value)} />
          <button type="button" onClick={download}>CSV</button>
        </div>
      </header>
      <Scrolls label="Leaderboard">
        <table>
          <thead>
            <tr>
              <th class="n" scope="col"><span class="hidden">Rank</span>#</th>
              <th scope="col">Miner</th>
              <th scope="col">Verdict</th>
              <th class="n" scope="col">Loss</th>
              <th class="n" scope="col">Win rate</th>
              <th class="n" scope="col">Weight</th>
              <th class="n" scope="col">Standing</th>
              <th class="n" scope="col">Block</th>
              <th scope="col">Model</th>
            </tr>
          </thead>
          <tbody>
            {rows.map((place) => (
              <tr key={place.who.hotkey} class={place.champion ? 'champion' : place.round === page.round ? '' : 'older'}>
                <td class="n">{place.champion ? <span title="Champion" role="img" aria-label="Champion">★</span> : (place.rank ?? '–')}</td>
                <td><Hotkey who={place.who} /></td>
                <td><Verdict name={place.outcome} reasons={place.reasons} racedOut={place.raced_out} round={place.round === page.round ? null : place.round} /></td>
                <td class="n strong">{loss(place.score)}</td>
                <td class="n">{place.score === null ? '–' : share(place.win_rate)}</td>
                <td class="n">{share(place.weight)}</td>
                <td class="n"><span class="meter"><meter min={0} max={1} value={place.standing} aria-label={`Standing of ${named(place.who)}`} />{share(place.standing)}</span></td>
                <td class="n">{whole(place.block)}</td>
                <td class="mono small">{revision(place)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </Scrolls>
      {rows.length === 0 && <p class="nothing">No model fits “{wanted}”.</p>}
      {page.models > page.board.length && (
        <p class="more">
          {whole(page.board.length)} of {whole(page.models)} models. <button type="button" onClick={() => choose({ places: '1000' })}>Show up to 1,000</button>
        </p>
      )}
    </section>
  )
}

const searched = (place: Place): string =>
  [place.who.name, place.who.hotkey, place.who.uid, place.repository, outcome(place.outcome), ...place.reasons.flatMap((why) => [why.code, why.sentence])].join(' ').toLowerCase()

function BenchmarkTable({ document }: { document: Benchmarks['documents'][number] }) {
  return (
    <Section title="Benchmarks" says={`From ${document.place}.`} wide>
      <Scrolls label={`Benchmarks of ${document.place}`}>
        <table>
          <thead><tr>{document.columns.map((name, n) => <th key={name} scope="col" class={n > 1 ? 'n' : ''}>{name}</th>)}</tr></thead>
          <tbody>
            {document.rows.map((row, r) => (
              <tr key={r}>{row.map((each, n) => <td key={n} class={n > 1 ? 'n' : ''}>{typeof each === 'number' ? each.toPrecision(4) : (each ?? '–')}</td>)}</tr>
            ))}
          </tbody>
        </table>
      </Scrolls>
    </Section>
  )
}
