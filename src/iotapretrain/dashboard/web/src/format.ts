// Numbers and names as people read them.
import type { Who } from './answers'

const RAO = 1e9
const UNKNOWN = '–'

export const loss = (value: number | null | undefined): string => (value == null ? UNKNOWN : value.toFixed(4))

export const whole = (value: number | null | undefined): string =>
  value == null ? UNKNOWN : value.toLocaleString('en')

export function share(value: number | null | undefined, digits = 1): string {
  if (value == null) return UNKNOWN
  if (value > 0 && value < 0.5 / 10 ** (digits + 2)) return '≈ 0'
  return `${(value * 100).toFixed(digits)} %`
}

export function tao(rao: number | null | undefined): string {
  if (rao == null) return UNKNOWN
  const value = rao / RAO
  if (value >= 1000) return `${Math.round(value).toLocaleString('en')} τ`
  return `${value >= 1 ? value.toFixed(2) : value.toPrecision(3)} τ`
}

export const short = (hotkey: string): string =>
  hotkey.length > 14 ? `${hotkey.slice(0, 6)}…${hotkey.slice(-4)}` : hotkey

export const named = (who: Who): string => who.name ?? short(who.hotkey)

export function tick(value: number): string {
  const size = Math.abs(value)
  if (size >= 1e6) return `${+(value / 1e6).toFixed(1)}M`
  if (size >= 1e4) return `${+(value / 1e3).toFixed(1)}k`
  return String(+value.toPrecision(4))
}

export function ago(seconds: number, now: number): string {
  const past = Math.max(0, now - seconds)
  if (past < 60) return `${Math.floor(past)} s ago`
  if (past < 3600) return `${Math.floor(past / 60)} min ago`
  if (past < 48 * 3600) return `${Math.floor(past / 3600)} h ago`
  return new Date(seconds * 1000).toISOString().slice(0, 10)
}

const OUTCOMES: Record<string, string> = {
  evaluated: 'scored',
  infrastructure: 'our failure',
  model: 'failed',
  bad_hash: 'wrong hash',
  inadmissible: 'refused',
}

export const outcome = (name: string): string => OUTCOMES[name] ?? name.replaceAll('_', ' ')
