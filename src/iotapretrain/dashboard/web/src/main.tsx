// The page: navigation, what is chosen, and whether it is live.
import { render } from 'preact'
import { useEffect, useState } from 'preact/hooks'
import './style.css'
import { AuditPage } from './pages/audit'
import { ChainPage } from './pages/chain'
import { CompetitionPage } from './pages/competition'
import { MinerPage, MinersPage } from './pages/miner'
import { OverviewPage } from './pages/overview'
import { ValidatorsPage } from './pages/validators'
import { Page } from './parts'
import { follow, useLink } from './live'
import { catchLinks, go, usePlace } from './route'

interface Entry {
  name: string
  href: string
  icon: string
  owns: string[]
}

/** Groups of pages; further games are further groups. */
const GROUPS: { title: string; entries: Entry[] }[] = [
  {
    title: 'Competition',
    entries: [
      { name: 'Overview', href: '/', icon: 'M4 13h6V4H4zM14 20h6v-9h-6zM4 20h6v-4H4zM14 8h6V4h-6z', owns: [''] },
      { name: 'Competition', href: '/competition', icon: 'M8 21h8M12 17v4M7 4h10v5a5 5 0 0 1-10 0zM7 6H4v1a3 3 0 0 0 3 3M17 6h3v1a3 3 0 0 1-3 3', owns: ['competition'] },
      { name: 'Miners', href: '/miners', icon: 'M12 12a4 4 0 1 0 0-8 4 4 0 0 0 0 8zM4 21c0-4 4-6 8-6s8 2 8 6', owns: ['miners', 'miner'] },
      { name: 'Validators', href: '/validators', icon: 'M12 3l8 3v6c0 5-3.500 8-8 9-4.500-1-8-4-8-9V6zM9 12l2 2 4-4', owns: ['validators'] },
      { name: 'Chain', href: '/chain', icon: 'M10 14a4 4 0 0 0 6 0l3-3a4 4 0 0 0-6-6l-1 1M14 10a4 4 0 0 0-6 0l-3 3a4 4 0 0 0 6 6l1-1', owns: ['chain'] },
      { name: 'Audit', href: '/audit', icon: 'M11 18a7 7 0 1 0 0-14 7 7 0 0 0 0 14zM21 21l-5-5M8 11l2 2 4-4', owns: ['audit'] },
    ],
  },
]
const ENTRIES = GROUPS.flatMap((group) => group.entries)
const THEMES = ['auto', 'light', 'dark'] as const

function shown(path: string[]) {
  const [first, second] = path
  if (first === undefined) return <OverviewPage />
  if (first === 'competition') return <CompetitionPage key={second} id={second} />
  if (first === 'miners') return <MinersPage />
  if (first === 'miner' && second !== undefined) return <MinerPage key={second} hotkey={second} />
  if (first === 'validators') return <ValidatorsPage />
  if (first === 'chain') return <ChainPage />
  if (first === 'audit') return <AuditPage />
  return <Page title="No such page" lead="The address leads nowhere."><p><a href="/">To the overview</a></p></Page>
}

function useShortcuts(): void {
  useEffect(() => {
    const pressed = (event: KeyboardEvent): void => {
      const typing = event.target instanceof HTMLElement && event.target.closest('input, select, textarea')
      if (typing || event.metaKey || event.ctrlKey || event.altKey) return
      const entry = ENTRIES[Number(event.key) - 1]
      if (entry) go(entry.href)
      else if (event.key === '/') {
        const field = document.getElementById('find')
        if (field) {
          event.preventDefault()
          field.focus()
        }
      }
    }
    addEventListener('keydown', pressed)
    return () => removeEventListener('keydown', pressed)
  }, [])
}

function useTheme(): [string, () => void] {
  const [theme, setTheme] = useState(() => localStorage.getItem('theme') ?? 'auto')
  useEffect(() => {
    if (theme === 'auto') document.documentElement.removeAttribute('data-theme')
    else document.documentElement.dataset.theme = theme
    localStorage.setItem('theme', theme)
  }, [theme])
  const next = (): void => setTheme((old) => THEMES[(THEMES.indexOf(old as 'auto') + 1) % THEMES.length] ?? 'auto')
  return [theme, next]
}

const LINKS = { connecting: 'connecting', live: 'live', lost: 'reconnecting…' }

function App() {
  const { path } = usePlace()
  const link = useLink()
  const [theme, nextTheme] = useTheme()
  useShortcuts()
  return (
    <>
      <a class="skip" href="#main">Skip to the page</a>
      <nav class="side" aria-label="Pages">
        <a class="brand" href="/"><span aria-hidden="true">ι</span><b>iotapretrain</b></a>
        {GROUPS.map((group) => (
          <ul key={group.title} aria-label={group.title}>
            {group.entries.map((entry, n) => {
              const current = entry.owns.includes(path[0] ?? '')
              return (
                <li key={entry.href}>
                  <a href={entry.href} aria-current={current ? 'page' : undefined} title={`${entry.name} (key ${n + 1})`}>
                    <svg viewBox="0 0 24 24" width="20" height="20" aria-hidden="true"><path d={entry.icon} /></svg>
                    <span>{entry.name}</span>
                  </a>
                </li>
              )
            })}
          </ul>
        ))}
        <div class="foot">
          <span class={`link ${link}`} role="status" data-link={link}><i aria-hidden="true" />{LINKS[link]}</span>
          <button type="button" onClick={nextTheme} title="Light, dark, or as the system is">
            <svg viewBox="0 0 24 24" width="16" height="16" aria-hidden="true"><path d="M12 3a9 9 0 1 0 0 18zM12 3v18" /></svg>
            <span>{theme}</span>
          </button>
        </div>
      </nav>
      <main id="main" tabIndex={-1}>{shown(path)}</main>
    </>
  )
}

catchLinks()
follow()
render(<App />, document.body)
