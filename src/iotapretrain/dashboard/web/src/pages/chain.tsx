// The subnet on the chain.
import type { ChainPage as Answered, Series } from '../answers'
import { Lines } from '../charts/line'
import { Matrix } from '../charts/matrix'
import { named, share, tao, tick, whole } from '../format'
import { AnswerPage, Badge, Facts, Hotkey, Scrolls, Section } from '../parts'

const RAO = 1e9
const CELLS = 24

export function ChainPage() {
  return (
    <AnswerPage<Answered> title="Chain" lead="Validators set weights; Yuma Consensus clips what a minority of stake says, and pays the rest." path="/api/chain" topics={['chain']}>
      {(page) => <Shown page={page} />}
    </AnswerPage>
  )
}

function Shown({ page }: { page: Answered }) {
  if (page.neurons.length === 0) {
    return (
      <Section title="The chain cannot be read" says={page.problem ?? 'It is being read for the first time.'}>
        <p class="nothing">Nothing to show yet.</p>
      </Section>
    )
  }
  const stake = page.neurons.reduce((sum, each) => sum + each.stake, 0)
  const paid = page.neurons.reduce((sum, each) => sum + each.emission, 0)
  const most = page.targets
    .map((who, n) => ({ n, weight: page.weights.reduce((sum, row) => sum + (row[n] ?? 0), 0), who }))
    .sort((a, b) => b.weight - a.weight)
    .slice(0, CELLS)
    .sort((a, b) => a.n - b.n)
  const order = [...new Set([...page.emission, ...page.stake, ...page.incentive].map((each) => each.who.hotkey))]
  const over = (title: string, says: string, series: Series[], show: (value: number) => string, unit = 1) => (
    <Lines
      title={title}
      says={says}
      across="block"
      xs={page.blocks}
      lines={series.slice(0, 8).map((each) => ({ name: named(each.who), values: each.values.map((value) => (value === null ? null : value / unit)), stepped: true, hue: Math.max(0, order.indexOf(each.who.hotkey)) }))}
      show={show}
      floor={0}
    />
  )
  return (
    <>
      <Facts
        facts={[
          ['Block', whole(page.block)],
          ['Last epoch', whole(page.epoch)],
          ['Neurons', whole(page.neurons.length)],
          ['Stake', tao(stake)],
          ['Paid in it', tao(paid)],
          ['Set weights', whole(page.setters.length), 'Validators with a row of weights'],
        ]}
      />
      {page.ended !== null && <p class="remark">This network has ended, at block {whole(page.ended)}; what is shown is its last state.</p>}
      {page.problem && <p class="remark">The chain does not answer at the moment: {page.problem}</p>}
      <div class="panels">
        <Matrix
          title="Weights"
          says="What each validator says that each miner deserves, as it stands on the chain."
          rows={page.setters.map(named)}
          columns={most.map((each) => named(each.who))}
          values={page.weights.map((row) => most.map((each) => row[each.n] ?? null))}
          show={(value) => (value === 0 ? '' : `${Math.round(value * 100)}`)}
          colour="most"
          down="validator"
          across="miner, in per cent"
          wide
          empty="No validator has set weights yet."
        />
        {over('Emission over time', 'τ that each epoch gave to a hotkey.', page.emission, tick, RAO)}
        {over('Incentive over time', 'Shares of what miners get.', page.incentive, (value) => share(value, 0))}
        {over('Consensus over time', 'The weight that a majority of stake grants a miner at least.', page.consensus, (value) => share(value, 0))}
        {over('Trust in validators over time', 'The share of a validator’s weights that consensus left standing.', page.trust, (value) => share(value, 0))}
        {over('Stake over time', 'Own and delegated, in τ.', page.stake, tick, RAO)}
        <Section title="Neurons" says="As the last epoch left them." wide>
          <Scrolls label="Neurons">
            <table>
              <thead>
                <tr>
                  <th scope="col">Hotkey</th><th scope="col">Role</th><th class="n" scope="col">Stake</th><th class="n" scope="col">Incentive</th><th class="n" scope="col">Dividends</th>
                  <th class="n" scope="col">Consensus</th><th class="n" scope="col">Trust</th><th class="n" scope="col">Emission</th><th class="n" scope="col">Updated</th>
                </tr>
              </thead>
              <tbody>
                {page.neurons.map((each) => (
                  <tr key={each.who.hotkey}>
                    <td><Hotkey who={each.who} /></td>
                    <td><Badge tone="plain">{each.permit ? 'validator' : 'miner'}</Badge></td>
                    <td class="n">{tao(each.stake)}</td>
                    <td class="n">{share(each.incentive)}</td>
                    <td class="n">{share(each.dividends)}</td>
                    <td class="n">{share(each.consensus)}</td>
                    <td class="n">{each.permit ? share(each.trust) : '–'}</td>
                    <td class="n strong">{tao(each.emission)}</td>
                    <td class="n">{whole(each.updated)}</td>
                  </tr>
                ))}
              </tbody>
            </table>
          </Scrolls>
        </Section>
      </div>
    </>
  )
}
