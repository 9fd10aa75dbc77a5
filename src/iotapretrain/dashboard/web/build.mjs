// Bundles the page into ../static and notes there which sources it was made from.
import { createHash } from 'node:crypto'
import { copyFileSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { build } from 'esbuild'

const out = process.argv[2] ?? '../static'
const sources = readdirSync('src', { recursive: true, withFileTypes: true })
  .filter((entry) => entry.isFile())
  .map((entry) => join(entry.parentPath, entry.name))
const all = [...sources, 'index.html', 'package-lock.json'].sort()

for (const name of ['app.js', 'app.css', 'index.html', 'sources.sha256']) rmSync(join(out, name), { force: true })
await build({
  entryPoints: { app: 'src/main.tsx' },
  outdir: out,
  bundle: true,
  minify: true,
  format: 'esm',
  target: 'es2022',
  jsx: 'automatic',
  jsxImportSource: 'preact',
  charset: 'utf8',
  legalComments: 'eof',
})
writeFileSync(join(out, 'index.html'), readFileSync('index.html', 'utf8').replace(/\n\s*/g, '') + '\n')
copyFileSync('node_modules/preact/LICENSE', join(out, 'preact-licence.txt'))
const digest = createHash('sha256')
for (const path of all) digest.update(path).update('\0').update(readFileSync(path)).update('\0')
writeFileSync(join(out, 'sources.sha256'), digest.digest('hex') + '\n')
