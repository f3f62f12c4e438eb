/** What the bench has measured, as a table for people and as JSON for machines. */

type Unit = '/s' | 'ms' | 's' | 'µs' | 'B' | 'MB' | 'x'

interface Figure {
  readonly name: string
  /** What was measured, in a few words. */
  readonly says: string
  readonly unit: Unit
  readonly runs: readonly number[]
  readonly value: number
  /** The figures it is compared with. */
  readonly against: readonly string[]
  /** Stands above it in the table. */
  readonly heading: string | undefined
}

export class Figures {
  readonly #figures = new Map<string, Figure>()
  #heading: string | undefined

  /** Starts a part of the table before the next figure. */
  heading(text: string): void {
    this.#heading = text
  }

  /** Keeps the median of the runs; of no runs there is no figure. The same name again replaces the earlier one. */
  record(name: string, says: string, unit: Unit, runs: readonly number[], ...against: readonly string[]): void {
    if (runs.length === 0) return
    this.#figures.delete(name)
    this.#figures.set(name, { name, says, unit, runs, value: rounded(median(runs)), against, heading: this.#heading })
    this.#heading = undefined
  }

  /** The figures by name, null where one of `wanted` was not measured. */
  values(wanted: readonly string[]): Record<string, number | null> {
    const none = Object.fromEntries(wanted.map((name) => [name, null]))
    return { ...none, ...Object.fromEntries([...this.#figures.values()].map(({ name, value }) => [name, value])) }
  }

  /** Every figure divided by those it is compared with, as `figure_to_reference`. */
  ratios(): Record<string, number> {
    return Object.fromEntries([...this.#figures.values()].flatMap((figure) => this.#ratiosOf(figure)))
  }

  /** What every single run came to. */
  runs(): Record<string, number[]> {
    return Object.fromEntries([...this.#figures.values()].map(({ name, runs }) => [name, runs.map(rounded)]))
  }

  table(): string {
    const figures = [...this.#figures.values()]
    const lines = figures.map((figure) => [
      figure.says,
      figure.value.toLocaleString('en').replaceAll(',', ' '),
      figure.unit,
      this.#ratiosOf(figure)
        .map(([name, ratio]) => `${ratio} of ${name.slice(figure.name.length + 4)}`)
        .join(', '),
      figure.name,
    ])
    const head = ['measured 指标', 'median 中位数', '', 'ratio 比值', 'name']
    const wide = head.map((_, column) => Math.max(...[head, ...lines].map((line) => width(line[column]!))))
    const text = (line: readonly string[]) =>
      line.map((cell, column) =>
        column === 1 ? ' '.repeat(wide[1]! - width(cell)) + cell : padded(cell, wide[column]!),
      )
    const shown = [text(head).join('  ').trimEnd()]
    lines.forEach((line, index) => {
      const { heading } = figures[index]!
      if (heading) shown.push('', heading)
      shown.push(text(line).join('  ').trimEnd())
    })
    return shown.join('\n')
  }

  #ratiosOf({ name, value, against }: Figure): [string, number][] {
    return against.flatMap((other): [string, number][] => {
      const reference = this.#figures.get(other)
      return reference ? [[`${name}_to_${other}`, Number((value / reference.value).toPrecision(3))]] : []
    })
  }
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2
}

const rounded = (value: number) => (value >= 100 ? Math.round(value) : Number(value.toPrecision(3)))

/** Columns a text takes up: Chinese characters are two wide. */
const width = (text: string) => [...text].reduce((sum, character) => sum + (character > '\u2e7f' ? 2 : 1), 0)
const padded = (text: string, to: number) => text + ' '.repeat(Math.max(0, to - width(text)))
