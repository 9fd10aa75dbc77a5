// Who stems from whom: models by block, a line from each to the model it was trained on from.
import type { Descent } from '../answers'
import { loss, named, tick } from '../format'
import { Frame, useWidth } from './frame'
import { extent, padded, scale, ticks } from './scale'

const ROW = 30
const LEFT = 104
const BOTTOM = 30

export function Tree({ title, says, models }: { title: string; says: string; models: Descent[] }) {
  const [place, width] = useWidth()
  const owners = [...new Set(models.map((model) => model.who.hotkey))]
  const names = new Map(models.map((model) => [model.who.hotkey, named(model.who)]))
  const range = padded(extent(models.map((model) => model.block)) ?? [0, 1], 0.03)
  const x = scale(range, [LEFT + 8, Math.max(width - 16, LEFT + 20)])
  const height = ROW * owners.length + BOTTOM + 8
  const y = (hotkey: string): number => ROW * owners.indexOf(hotkey) + ROW / 2 + 4
  const places = new Map(models.map((model) => [`${model.repository}@${model.revision}`, model]))
  const best = extent(models.map((model) => model.score))
  const sheet = {
    columns: ['block', 'hotkey', 'repository', 'commit', 'parent', 'score', 'card_loss'],
    rows: models.map((m) => [m.block, m.who.hotkey, m.repository, m.revision, m.parent, m.score, m.loss]),
  }
  return (
    <Frame title={title} says={says} sheet={sheet} wide empty="No model has been committed yet.">
      <div ref={place} class="plot">
        {width > 0 && (
          <svg width={width} height={height} role="img" aria-label={`${title}: ${models.length} models of ${owners.length} miners; ${models.filter((m) => m.parent).length} name a parent.`}>
            {owners.map((hotkey) => (
              <g key={hotkey}>
                <line class="grid" x1={LEFT} x2={width - 8} y1={y(hotkey)} y2={y(hotkey)} />
                <text class="name" x={LEFT - 10} y={y(hotkey)} text-anchor="end" dominant-baseline="middle">{names.get(hotkey)}</text>
              </g>
            ))}
            {ticks(range[0], range[1], width / 100).map((value) => (
              <text key={value} class="tick" x={x(value)} y={height - BOTTOM + 16} text-anchor="middle">{tick(value)}</text>
            ))}
            <text class="axis" x={width - 8} y={height - 2} text-anchor="end">block</text>
            {models.map((model) => {
              const parent = model.parent ? places.get(model.parent) : undefined
              if (!parent) return null
              const [x0, y0, x1, y1] = [x(parent.block), y(parent.who.hotkey), x(model.block), y(model.who.hotkey)]
              const bend = Math.max(18, (x1 - x0) / 2)
              return <path key={model.revision} class="descent" d={`M${x0},${y0}C${x0 + bend},${y0} ${x1 - bend},${y1} ${x1},${y1}`} />
            })}
            {models.map((model) => {
              const first = best !== null && model.score === best[0]
              return (
                <circle key={`${model.repository}${model.revision}`} class={`model ${first ? 'first' : ''} ${model.score === null ? 'refused' : ''}`} cx={x(model.block)} cy={y(model.who.hotkey)} r={first ? 8 : 5.5}>
                  <title>{`${model.repository}, block ${model.block}: best score ${loss(model.score)}${model.parent ? `, from ${model.parent.slice(0, 40)}` : ''}`}</title>
                </circle>
              )
            })}
          </svg>
        )}
      </div>
      <p class="reading">Filled: scored. Hollow: no score. Large: the best. A line leads from the model that it was trained on from.</p>
    </Frame>
  )
}
