// Everybody who judges.
import type { ValidatorsPage as Answered } from '../answers'
import { Lines } from '../charts/line'
import { Matrix } from '../charts/matrix'
import { named, share, tao, whole } from '../format'
import { AnswerPage, Badge, Hotkey, Scrolls, Section } from '../parts'

export function ValidatorsPage() {
  return (
    <AnswerPage<Answered> title="Validators" lead="Every round is signed and public, so that anyone can compute it again. Who disagrees with everybody else is seen, and paid less." path="/api/validators" topics={['rounds', 'events', 'chain']}>
      {(page) => <Shown page={page} />}
    </AnswerPage>
  )
}

function Shown({ page }: { page: Answered }) {
  const names = page.validators.map((each) => named(each.who))
  return (
    <div class="panels">
      <Section title="Who judges" says="Agreement is the share of its newest weights that the others give alike, by their stake." wide>
        <Scrolls label="Validators">
          <table>
            <thead>
              <tr>
                <th scope="col">Validator</th><th class="n" scope="col">Stake</th><th class="n" scope="col">Agreement</th><th class="n" scope="col">Trust</th><th class="n" scope="col">Coverage</th>
                <th class="n" scope="col">Rounds</th><th class="n" scope="col">Weights set</th><th scope="col">Records</th><th scope="col">Audits</th>
              </tr>
            </thead>
            <tbody>
              {page.validators.map((each) => (
                <tr key={each.who.hotkey}>
                  <td><Hotkey who={each.who} plain /></td>
                  <td class="n">{tao(each.stake)}</td>
                  <td class="n strong">{share(each.agreement)}</td>
                  <td class="n">{share(each.trust)}</td>
                  <td class="n">{share(each.coverage, 0)}</td>
                  <td class="n">{whole(each.rounds)}</td>
                  <td class="n">{whole(each.weights_block)}</td>
                  <td>{each.unsealed === 0 ? <Badge tone="good">signed</Badge> : <Badge tone="bad">{each.unsealed} not signed</Badge>}</td>
                  <td>
                    {each.audits_held + each.audits_failed === 0 && <a href={`/audit?validator=${each.who.hotkey}`}>audit it</a>}
                    {each.audits_held > 0 && <Badge tone="good">{each.audits_held} held</Badge>}
                    {each.audits_failed > 0 && <Badge tone="bad">{each.audits_failed} not</Badge>}
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </Scrolls>
        {page.validators.length === 0 && <p class="nothing">No validator has published a round yet.</p>}
      </Section>
      <Matrix
        title="Agreement"
        says="The overlap of the newest weights of two validators, in per cent."
        rows={names}
        columns={names}
        values={page.agreement}
        show={(value) => `${Math.round(value * 100)}`}
        colour="most"
        down="validator"
        across="validator"
      />
      <Lines
        title="Coverage"
        says="The share of each round’s field that ended with a verdict rather than a failure of the validator’s own."
        across="round"
        xs={page.coverage_rounds}
        lines={page.coverage.slice(0, 8).map((each) => ({ name: named(each.who), values: each.values }))}
        show={(value) => share(value, 0)}
        floor={0}
      />
      <Section title="Audits" says="Rounds that somebody computed again from the public record." wide>
        {page.audits.length === 0 ? (
          <p class="nothing">Nobody has audited a round yet. <a href="/audit">Audit one.</a></p>
        ) : (
          <ul class="audits">
            {page.audits.map((each, n) => (
              <li key={n}>
                <Badge tone={each.held ? 'good' : 'bad'}>{each.held ? 'holds' : 'does not hold'}</Badge>
                <span>Round {each.round} of <Hotkey who={each.validator} plain />, by {each.auditor}</span>
                {each.differences.map((text) => <p key={text} class="why">{text}</p>)}
              </li>
            ))}
          </ul>
        )}
      </Section>
    </div>
  )
}
