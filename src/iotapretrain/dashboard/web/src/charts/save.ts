// A chart's data as CSV or JSON, and its picture as PNG.
export interface Sheet {
  columns: string[]
  rows: (string | number | null)[][]
}

const COPIED = ['fill', 'fill-opacity', 'stroke', 'stroke-width', 'stroke-dasharray', 'stroke-linejoin', 'stroke-opacity', 'opacity', 'font-family', 'font-size', 'font-weight', 'text-anchor', 'dominant-baseline', 'letter-spacing']
const DENSITY = 2

const cell = (value: string | number | null): string => {
  const text = value === null ? '' : String(value)
  return /[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}

export const csv = (sheet: Sheet): string =>
  [sheet.columns, ...sheet.rows].map((row) => row.map(cell).join(',')).join('\n') + '\n'

export const json = (sheet: Sheet): string =>
  JSON.stringify(
    sheet.rows.map((row) => Object.fromEntries(sheet.columns.map((name, n) => [name, row[n] ?? null]))),
    null,
    2,
  ) + '\n'

export function save(blob: Blob, name: string): void {
  const anchor = document.createElement('a')
  anchor.href = URL.createObjectURL(blob)
  anchor.download = name
  anchor.click()
  setTimeout(() => URL.revokeObjectURL(anchor.href), 10_000)
}

export const fileName = (title: string): string => title.toLowerCase().replace(/[^a-z0-9]+/g, '-').replace(/^-|-$/g, '')

/** The picture as it stands: styles are written into a copy, which is then drawn. */
export async function png(svg: SVGSVGElement): Promise<Blob> {
  const copy = svg.cloneNode(true) as SVGSVGElement
  const originals = [svg, ...svg.querySelectorAll('*')]
  const copies = [copy, ...copy.querySelectorAll('*')]
  originals.forEach((original, n) => {
    const style = getComputedStyle(original)
    const target = copies[n] as SVGElement
    for (const name of COPIED) target.setAttribute(name, style.getPropertyValue(name))
  })
  const { width, height } = svg.getBoundingClientRect()
  copy.setAttribute('xmlns', 'http://www.w3.org/2000/svg')
  copy.setAttribute('width', String(width))
  copy.setAttribute('height', String(height))
  const source = new Blob([new XMLSerializer().serializeToString(copy)], { type: 'image/svg+xml' })
  const address = URL.createObjectURL(source)
  try {
    const image = new Image()
    image.src = address
    await image.decode()
    const canvas = document.createElement('canvas')
    canvas.width = width * DENSITY
    canvas.height = height * DENSITY
    const context = canvas.getContext('2d')
    if (context === null) throw new Error('this browser cannot draw pictures')
    context.fillStyle = getComputedStyle(svg.closest('.panel') ?? document.body).backgroundColor
    context.fillRect(0, 0, canvas.width, canvas.height)
    context.drawImage(image, 0, 0, canvas.width, canvas.height)
    return await new Promise((resolve, reject) =>
      canvas.toBlob((blob) => (blob ? resolve(blob) : reject(new Error('no picture came out')))),
    )
  } finally {
    URL.revokeObjectURL(address)
  }
}
