// Made from the API's types by `make web`: change those, not this.

export interface Who {
  hotkey: string
  name: string | null
  uid: number | null
}

export interface Why {
  code: string
  sentence: string
}

export interface Activity {
  time: number
  tone: string
  title: string
  detail: string
  hotkey: string | null
  competition: number | null
}

export interface Standing {
  id: number
  name: string
  rounds: number
  block: number
  models: number
  scored: number
  champion: Who | null
  repository: string | null
  loss: number | null
  losses: [number, number][]
}

export interface Payee {
  who: Who
  emission: number
  incentive: number
}

export interface Overview {
  network: string
  netuid: number
  block: number | null
  chain_problem: string | null
  ended: number | null
  miners: number
  validators: number
  rounds: number
  refused: number
  audits_held: number
  audits_failed: number
  competitions: Standing[]
  payees: Payee[]
  activity: Activity[]
}

export interface Ruling {
  round: number | null
  block: number | null
  repository: string | null
  revision: string | null
  outcome: string
  reasons: Why[]
  score: number | null
  weight: number
}

export interface Place extends Ruling {
  who: Who
  rank: number | null
  tasks: Record<string, number>
  epsilon: number | null
  wins: number
  win_rate: number
  standing: number
  raced_out: boolean
  champion: boolean
}

export interface Reign {
  round: number
  block: number
  champion: number | null
  loss: number | null
  to_beat: number | null
  epsilon: number | null
  age: number | null
  models: number
  scored: number
  pages_share: number | null
}

export interface CompetitionPage {
  id: number
  name: string
  validator: Who | null
  validators: Who[]
  round: number | null
  block: number | null
  digest: string | null
  sealed: boolean
  tasks: Record<string, number>
  models: number
  board: Place[]
  champions: Who[]
  history: Reign[]
  decay: [number, number][]
}

export interface Duels {
  hotkeys: string[]
  uids: number[]
  pages: number
  shares: ((number | null)[])[]
}

export interface DuelsPage {
  who: Who[]
  duels: Duels
}

export interface Descent {
  who: Who
  repository: string
  revision: string
  block: number
  title: string | null
  parent: string | null
  loss: number | null
  score: number | null
}

export interface Lineage {
  models: Descent[]
}

export interface Benchmark {
  place: string
  columns: string[]
  rows: ((string | number | null)[])[]
}

export interface Benchmarks {
  documents: Benchmark[]
}

export interface Neuron {
  who: Who
  stake: number
  emission: number
  incentive: number
  dividends: number
  consensus: number
  trust: number
  permit: boolean
  updated: number
}

export interface Series {
  who: Who
  values: (number | null)[]
}

export interface ChainPage {
  problem: string | null
  block: number | null
  ended: number | null
  epoch: number | null
  neurons: Neuron[]
  setters: Who[]
  targets: Who[]
  weights: number[][]
  blocks: number[]
  stake: Series[]
  emission: Series[]
  incentive: Series[]
  consensus: Series[]
  trust: Series[]
}

export interface Watcher {
  who: Who
  stake: number | null
  trust: number | null
  permit: boolean | null
  rounds: number
  round: number | null
  block: number | null
  unsealed: number
  coverage: number | null
  agreement: number | null
  weights_block: number | null
  audits_held: number
  audits_failed: number
}

export interface AuditSeen {
  time: number
  auditor: string
  validator: Who
  round: number
  held: boolean
  differences: string[]
}

export interface LeftOut {
  who: Who | null
  reason: string
  sentence: string
  number: number
  time: number
}

export interface ValidatorsPage {
  validators: Watcher[]
  agreement: number[][]
  coverage_rounds: number[]
  coverage: Series[]
  audits: AuditSeen[]
  left_out: LeftOut[]
}

export interface Judgement extends Ruling {
  validator: Who
  competition: number
  champion_score: number | null
}

export interface Curve {
  competition: number
  name: string
  blocks: number[]
  score: (number | null)[]
  champion: (number | null)[]
  standing: number[]
}

export interface Prospect {
  competition: number
  name: string
  sentences: string[]
  to_beat: number | null
  score: number | null
}

export interface MinerPage {
  who: Who
  registered: boolean
  earned: number
  epochs: [number, number][]
  models: Descent[]
  judgements: Judgement[]
  curves: Curve[]
  prospects: Prospect[]
}

export interface Miners {
  miners: Who[]
}

export interface Step {
  seconds: number
  text: string
}

export interface AuditJob {
  number: number
  validator: Who
  round: number
  state: string
  steps: Step[]
}

export interface Auditable {
  validator: Who
  rounds: number[]
}

export interface AuditPage {
  problem: string | null
  validators: Auditable[]
  jobs: AuditJob[]
}
