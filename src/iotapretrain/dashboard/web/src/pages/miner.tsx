// Everything about one hotkey; without one, everybody.
import { useState } from 'preact/hooks'
import type { MinerPage as Answered, Miners } from '../answers'
import { Lines, ShareLine } from '../charts/line'
import { Tree } from '../charts/tree'
import { loss, named, share, tao, tick, whole } from '../format'
import { useAnswer } from '../live'
import { Answer, Badge, Facts, Hotkey, Page, Scrolls, Section, Verdict, revision } from '../parts'

const RAO = 1e9
const VERDICTS = 12

export function MinersPage() {
  const asked = useAnswer<Miners>('/api/miners', 'rounds', 'events', 'chain')
  const [wanted, setWanted] = useState('')
  const text = wanted.trim().toLowerCase()
  return (
    <Page title="Miners" lead="Choose a miner to see what it earned, what was said of its models and what would make it win.">
      <Answer asked={asked}>
        {(page) => (
          <Section title="All miners" says={`${whole(page.miners.length)} hotkeys have been judged.`} wide>
            <p class="search"><input type="search" id="find" placeholder="Name, uid or hotkey" aria-label="Find a miner" value={wanted} onInput={(event) => setWanted(event.currentTarget.value)} /></p>
            <ul class="miners">
              {page.miners
                .filter((who) => `${who.name} ${who.uid} ${who.hotkey}`.toLowerCase().includes(text))
                .slice(0, 500)
                .map((who) => <li key={who.hotkey}><Hotkey who={who} /></li>)}
            </ul>
          </Section>
        )}
      </Answer>
    </Page>
  )
}

export function MinerPage({ hotkey }: { hotkey: string }) {
  const asked = useAnswer<Answered>(`/api/miners/${encodeURIComponent(hotkey)}`, 'rounds', 'events', 'chain')
  const who = asked.value?.who
  return (
    <Page title={who ? named(who) : 'Miner'} lead={<span class="mono break">{hotkey}</span>} tools={<a class="button" href="/miners">All miners</a>}>
      <Answer asked={asked}>{(page) => <Shown page={page} />}</Answer>
    </Page>
  )
}

function Shown({ page }: { page: Answered }) {
  const [all, setAll] = useState(false)
  const newest = page.judgements[0]
  const best = page.curves.flatMap((curve) => curve.score).filter((value): value is number => value !== null)
  return (
    <>
      <Facts
        facts={[
          ['Uid', page.who.uid === null ? '–' : String(page.who.uid)],
          ['Earned', tao(page.earned), 'Emission of all epochs that were read'],
          ['Models', whole(page.models.length)],
          ['Best loss', best.length ? loss(Math.min(...best)) : '–'],
          ['On the chain', <Badge tone={page.registered ? 'good' : 'plain'}>{page.registered ? 'registered' : 'not registered'}</Badge>],
          ['Newest verdict', newest ? <Badge tone={newest.outcome === 'evaluated' ? 'good' : 'bad'}>{newest.outcome === 'evaluated' ? 'scored' : newest.outcome}</Badge> : '–'],
        ]}
      />
      <div class="panels">
        {page.prospects.length > 0 && (
          <Section title="What would make it win" says="By the rules, as the newest round left things." wide>
            <div class="prospects">
              {page.prospects.map((each) => (
                <div key={each.competition}>
                  <h3>{each.name}</h3>
                  {each.sentences.map((sentence) => <p key={sentence}>{sentence}</p>)}
                </div>
              ))}
            </div>
          </Section>
        )}
        {page.curves.map((curve) => (
          <Lines
            key={curve.competition}
            title={`Loss in ${curve.name}`}
            says="Its score beside the champion’s; a gap is a round without a score."
            across="block"
            xs={curve.blocks}
            lines={[{ name: 'this miner', values: curve.score }, { name: 'champion', values: curve.champion, stepped: true, faint: true }]}
            show={loss}
          />
        ))}
        {page.curves.map((curve) => (
          <ShareLine
            key={`standing ${curve.competition}`}
            title={`Standing in ${curve.name}`}
            says="The average of its weights over the rounds."
            xs={curve.blocks}
            line={{ name: 'standing', values: curve.standing }}
            digits={0}
          />
        ))}
        <Lines
          title="Earnings"
          says="τ by epoch."
          across="block"
          xs={page.epochs.map(([block]) => block)}
          lines={[{ name: 'emission', values: page.epochs.map(([, rao]) => rao / RAO), stepped: true }]}
          show={tick}
          floor={0}
          empty="The chain has not paid it."
        />
        <Section title="Verdicts" says="What every validator said of its models, newest first." wide>
          <Scrolls label="Verdicts">
            <table>
              <thead>
                <tr><th class="n" scope="col">Round</th><th class="n" scope="col">Competition</th><th scope="col">Validator</th><th scope="col">Verdict</th><th class="n" scope="col">Loss</th><th class="n" scope="col">Best</th><th class="n" scope="col">Weight</th><th scope="col">Model</th></tr>
              </thead>
              <tbody>
                {page.judgements.slice(0, all ? undefined : VERDICTS).map((each, n) => (
                  <tr key={n}>
                    <td class="n">{whole(each.round)}</td>
                    <td class="n"><a href={`/competition/${each.competition}`}>{each.competition}</a></td>
                    <td><Hotkey who={each.validator} plain /></td>
                    <td><Verdict name={each.outcome} reasons={each.reasons} /></td>
                    <td class="n strong">{loss(each.score)}</td>
                    <td class="n">{loss(each.champion_score)}</td>
                    <td class="n">{share(each.weight)}</td>
                    <td class="mono small">{revision(each)}</td>
                  </tr>
                ))}
              </tbody>
            </table>
          </Scrolls>
          {!all && page.judgements.length > VERDICTS && (
            <p class="more">{VERDICTS} of {page.judgements.length}. <button type="button" onClick={() => setAll(true)}>Show all</button></p>
          )}
          {page.judgements.length === 0 && <p class="nothing">No validator has judged it yet.</p>}
        </Section>
        <Tree title="Models" says="Its commitments by block." models={page.models} />
      </div>
    </>
  )
}
