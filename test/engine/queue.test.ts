import fc from 'fast-check'
import t from 'tap'
import { type Choice, Queue, type Waiting } from '../../src/engine/queue.js'
import { table } from '../support/table.js'

/** Named like `a1`: of organisation a. With `*3` it holds three commands, else one. */
interface Named extends Waiting {
  readonly name: string
}
const named = (name: string, commands = 1): Named => ({ name, organisation: name[0]!, calls: Array(commands).fill(0) })
const read = (text: string): Named[] =>
  text === '-' ? [] : text.split(' ').map((word) => named(word.split('*')[0]!, Number(word.split('*')[1] ?? 1)))
const write = (waiting: readonly Named[]) => waiting.map(({ name }) => name).join(' ') || '-'
const size = (waiting: readonly Waiting[]) => waiting.reduce((sum, { calls }) => sum + calls.length, 0)
const all = () => 'take' as const

/** A queue without limits in which these wait. */
function queueOf(text: string): Queue<Named> {
  const queue = new Queue<Named>(Infinity, Infinity)
  for (const waiting of read(text)) queue.offer(waiting)
  return queue
}
/** Everything that waits, batch by batch, until one comes out empty. */
function batches(queue: Queue<Named>, most: number, choose: (waiting: Named) => Choice = all): string {
  const written: string[] = []
  for (let taken = queue.take(most, choose); taken.length > 0; taken = queue.take(most, choose)) {
    written.push(write(taken))
  }
  return written.join(' | ')
}

t.test('who comes out when', async (t) => {
  const cases = table(
    'title                                       waiting                      most  batches',
    `
     nothing waits                               -                            5     -
     one organisation, in its order              a1 a2 a3                     2     a1 a2 | a3
     organisations in turn                       a1 a2 a3 b1 c1 c2            9     a1 b1 c1 a2 c2 a3
     the turn goes on where it stopped           a1 a2 b1 b2 c1 c2            2     a1 b1 | c1 a2 | b2 c2
     more organisations than room                a1 a2 a3 b1 c1 d1            1     a1 | b1 | c1 | d1 | a2 | a3
     as many commands as fit                     a1*2 b1*3 c1 d1              6     a1 b1 c1 | d1
     what does not fit waits and comes first     a1*2 b1*3 c1 a2              4     a1 | b1 c1 | a2
     too large for any batch, but first in it    a1 b1*9 b2 c1                3     a1 | b1 | c1 b2
     only too large ones                         a1*5 a2*5 b1*5               3     a1 | b1 | a2
    `,
  )
  for (const { title, waiting, most, batches: expected } of cases) {
    t.equal(batches(queueOf(waiting), Number(most)) || '-', expected, title)
  }
  t.same(queueOf('a1').take(0, all), [], 'a batch of nothing')
})

t.test('who comes later waits for those who are there, and for nobody else', async (t) => {
  const queue = queueOf('a1 a2 a3 b1 b2')
  t.equal(write(queue.take(3, all)), 'a1 b1 a2')
  for (const waiting of read('c1 a4')) queue.offer(waiting)
  t.equal(batches(queue, 9), 'b2 a3 c1 a4')
  queue.offer(named('a5'))
  t.equal(batches(queue, 9), 'a5', 'also after it was empty')
})

t.test('nobody can keep others from a batch by asking much', async (t) => {
  const queue = new Queue<Waiting>(Infinity, Infinity)
  const calls = [0]
  for (let n = 0; n < 100_000; n++) queue.offer({ organisation: 'greedy', calls })
  for (let n = 0; n < 300; n++) queue.offer({ organisation: `modest ${n}`, calls })
  const taken = queue.take(1000, all)
  t.equal(taken.length, 1000)
  t.equal(new Set(taken.map(({ organisation }) => organisation)).size, 301)
  t.equal(queue.size, 99_300)
})

t.test('bounds', async (t) => {
  const cases = table(
    'title                                       offered              taken         size',
    `
     as many as there is room for                a1 a2 b1 b2 c1 c2    a1 a2 b1 b2 c1  5
     not all of them of one organisation         a1 a2 a3 a4 b1       a1 a2 a3 b1   4
     commands count, not requests                a1*2 b1*2 c1*2 c2    a1 b1 c2      5
     of one organisation too                     a1*2 a2*2 a3         a1 a3         3
     more than one organisation may ever have    a1*4 a2              a2            1
    `,
  )
  for (const { title, offered, taken, size } of cases) {
    const queue = new Queue<Named>(5, 3)
    t.equal(write(read(offered).filter((waiting) => queue.offer(waiting))), taken, title)
    t.equal(queue.size, Number(size), `${title}: size`)
    t.equal(
      write(queue.take(9, all).sort((a, b) => (a.name < b.name ? -1 : 1))),
      taken,
      `${title}: nothing else came in`,
    )
    t.equal(queue.size, 0)
  }
})

t.test('whether there is room is known before anything is offered', async (t) => {
  const queue = new Queue<Named>(3, 2)
  const room = () => [queue.hasRoom(), queue.hasRoom('a'), queue.hasRoom('b')]
  t.same(room(), [true, true, true])
  queue.offer(named('a1', 2))
  t.same(room(), [true, false, true], 'for one organisation not')
  queue.offer(named('b1'))
  t.same(room(), [false, false, false], 'for nobody')
  const taken = queue.take(2, all)
  t.same(room(), [true, true, true], 'what was taken makes room')
  queue.putBack(taken)
  t.same(room(), [false, false, false], 'what was put back takes it again')
  queue.take(3, () => 'drop')
  t.same(room(), [true, true, true], 'what was dropped makes room')
})

t.test('left ones', async (t) => {
  const leave = (names: string) => (waiting: Named) => (names.includes(waiting.name) ? 'leave' : 'take')

  t.test('stay where they are, and others of their organisation go', async (t) => {
    const queue = queueOf('a1 a2 a3 b1 b2 a4')
    t.equal(write(queue.take(3, leave('a1 a2'))), 'a3 b1 a4')
    t.equal(queue.size, 3)
    t.equal(batches(queue, 9), 'b2 a1 a2')
  })

  t.test('do not count in the batch, however large', async (t) => {
    t.equal(write(queueOf('a1*9 b1 a2 c1').take(3, leave('a1'))), 'a2 b1 c1')
  })

  t.test('are asked about once in a batch, and again in the next one', async (t) => {
    const queue = queueOf('a1 a2 b1 b2')
    const asked: string[] = []
    const choose = (waiting: Named) => {
      asked.push(waiting.name)
      return leave('a1 b1 b2')(waiting)
    }
    t.equal(write(queue.take(9, choose)), 'a2')
    t.same(asked.splice(0), ['a1', 'a2', 'b1', 'b2'])
    t.equal(write(queue.take(9, choose)), '-')
    t.same(asked.sort(), ['a1', 'b1', 'b2'])
  })

  t.test(
    'are of one organisation in one batch no more than it holds, so that a long line of them costs little',
    async (t) => {
      const queue = queueOf('b1')
      for (let n = 0; n < 1000; n++) queue.offer(named(`a${n}`))
      let asked = 0
      const taken = queue.take(10, (waiting) => {
        asked++
        return waiting.name === 'a500' || waiting.name === 'b1' ? 'take' : 'leave'
      })
      t.equal(write(taken), 'b1')
      t.equal(asked, 11)
      t.equal(write(queue.take(10, leave('a0 a1 a2'))), 'a3 a4 a5 a6 a7 a8 a9 a10 a11 a12')
    },
  )
})

t.test('dropped ones are gone, and use nobody’s turn', async (t) => {
  const queue = queueOf('a1*9 a2 a3 b1 c1 c2')
  t.equal(
    batches(queue, 2, ({ name }) => (['a1', 'a2', 'b1'].includes(name) ? 'drop' : 'take')),
    'a3 c1 | c2',
  )
  t.equal(queue.size, 0)
  t.equal(batches(queue, 9), '')
})

t.test('put back', async (t) => {
  t.test('they are the first of their organisation, in their order', async (t) => {
    const queue = queueOf('a1 a2 a3 a4 b1 b2 b3')
    const taken = queue.take(4, all)
    t.equal(write(taken), 'a1 b1 a2 b2')
    queue.putBack(taken)
    t.equal(queue.size, 7)
    t.equal(batches(queue, 9), 'a1 b1 a2 b2 a3 b3 a4')
  })

  t.test('also when nothing else of it waits any more', async (t) => {
    const queue = queueOf('a1 b1 b2 c1')
    const taken = queue.take(9, all)
    queue.offer(named('b3'))
    queue.putBack(taken)
    t.equal(batches(queue, 9), 'b1 a1 c1 b2 b3')
  })

  t.test('they are never refused', async (t) => {
    const queue = new Queue<Named>(2, 1)
    for (const waiting of read('a1 b1')) queue.offer(waiting)
    const taken = queue.take(2, all)
    for (const waiting of read('a2 c1')) t.ok(queue.offer(waiting))
    queue.putBack(taken)
    t.equal(queue.size, 4)
    t.notOk(queue.offer(named('d1')))
    t.equal(batches(queue, 9), 'a1 c1 b1 a2')
  })
})

// --- whatever happens

/** The same promises, kept the slow way: everything that waits in one list, and the organisations by their turns. */
class SlowQueue {
  waiting: Named[] = []
  turns: string[] = []
  constructor(
    readonly most: number,
    readonly mostOfOne: number,
  ) {}

  of(organisation: string): Named[] {
    return this.waiting.filter((waiting) => waiting.organisation === organisation)
  }
  offer(waiting: Named): boolean {
    const { organisation } = waiting
    if (size([...this.waiting, waiting]) > this.most) return false
    if (size([...this.of(organisation), waiting]) > this.mostOfOne) return false
    this.waiting.push(waiting)
    if (!this.turns.includes(organisation)) this.turns.push(organisation)
    return true
  }
  take(most: number, choose: (waiting: Named) => Choice): Named[] {
    const taken: Named[] = []
    const left = new Set<Named>()
    const finished: string[] = []
    while (size(taken) < most && this.turns.length > 0) {
      const [organisation] = this.turns as [string]
      const own = this.of(organisation)
      const next = own.find((waiting) => !left.has(waiting))
      if (!next || own.filter((waiting) => left.has(waiting)).length >= most) {
        this.turns.shift()
        finished.push(organisation)
        continue
      }
      if (taken.length > 0 && size([...taken, next]) > most) break
      const choice = choose(next)
      if (choice === 'leave') left.add(next)
      else this.waiting.splice(this.waiting.indexOf(next), 1)
      if (choice !== 'take') continue
      taken.push(next)
      this.turns.push(this.turns.shift()!)
    }
    this.turns = [...this.turns, ...finished].filter((organisation) => this.of(organisation).length > 0)
    return taken
  }
  putBack(waiting: readonly Named[]): void {
    this.waiting.unshift(...waiting)
    for (const { organisation } of waiting) if (!this.turns.includes(organisation)) this.turns.push(organisation)
  }
}

/** What is done to a queue; the answers are given to the candidates by their number. */
type Step =
  | { readonly offer: string; readonly commands: number }
  | { readonly take: number; readonly answers: readonly Choice[] }
  | { readonly putBack: readonly boolean[] }

const offers = fc.record({
  offer: fc.constantFrom(...'aaaabcdefg'),
  commands: fc.oneof({ weight: 4, arbitrary: fc.constant(1) }, fc.integer({ min: 1, max: 12 })),
})
const choices = fc.oneof(
  fc.constant<Choice[]>(['take']),
  fc.array(fc.constantFrom<Choice>('take', 'take', 'leave', 'drop'), { minLength: 1, maxLength: 7 }),
)
const takes = fc.record({ take: fc.integer({ min: 1, max: 8 }), answers: choices })
const putBacks = fc.record({ putBack: fc.array(fc.boolean(), { minLength: 1, maxLength: 4 }) })
const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof({ weight: 6, arbitrary: offers }, { weight: 2, arbitrary: takes }, { weight: 1, arbitrary: putBacks }),
  { maxLength: 80, size: 'max' },
)

t.test('it does what the slow one does, and nothing is lost or doubled', async () => {
  const limits = fc.record({ most: fc.integer({ min: 1, max: 60 }), mostOfOne: fc.integer({ min: 1, max: 40 }) })
  fc.assert(
    fc.property(limits, steps, ({ most, mostOfOne }, steps) => {
      const queue = new Queue<Named>(most, mostOfOne)
      const slow = new SlowQueue(most, mostOfOne)
      const accepted = new Set<Named>()
      const gone = new Set<Named>()
      let lastTaken: Named[] = []
      const same = (step: string, one: unknown, other: unknown) => {
        if (one !== other) throw new Error(`${step}: ${one}, the slow one: ${other}`)
      }
      const leaves = (waiting: Named) => {
        if (gone.has(waiting) || !accepted.has(waiting)) throw new Error(`${waiting.name} came out twice, or never in`)
        gone.add(waiting)
      }
      for (const [n, step] of steps.entries()) {
        if ('offer' in step) {
          const waiting = named(`${step.offer}${n}`, step.commands)
          const taken = queue.offer(waiting)
          same('offer', taken, slow.offer(waiting))
          if (taken) accepted.add(waiting)
        } else if ('take' in step) {
          const choose = ({ name }: Named) => step.answers[Number(name.slice(1)) % step.answers.length]!
          lastTaken = queue.take(step.take, (waiting) => {
            const choice = choose(waiting)
            if (choice === 'drop') leaves(waiting)
            return choice
          })
          same('take', write(lastTaken), write(slow.take(step.take, choose)))
          for (const waiting of lastTaken) leaves(waiting)
        } else {
          const again = lastTaken.filter((_, n) => step.putBack[n % step.putBack.length])
          lastTaken = []
          queue.putBack(again)
          slow.putBack(again)
          for (const waiting of again) gone.delete(waiting)
        }
        same('size', queue.size, size(slow.waiting))
        same('room', queue.hasRoom(), slow.most > size(slow.waiting))
        for (const one of 'abcdefg') {
          same(`room for ${one}`, queue.hasRoom(one), queue.hasRoom() && size(slow.of(one)) < mostOfOne)
        }
      }
      for (let taken = queue.take(3, all); taken.length > 0; taken = queue.take(3, all)) taken.forEach(leaves)
      return gone.size === accepted.size && queue.size === 0
    }),
    { numRuns: 1000 },
  )
})

/** Steps in which every candidate is taken. */
const takingAll = steps.map((steps) => steps.map((step) => ('take' in step ? { ...step, answers: ['take'] } : step)))

t.test('while an organisation waits, no other one gets two turns more than it', async () => {
  fc.assert(
    fc.property(takingAll, (steps) => {
      const queue = new Queue<Named>(Infinity, Infinity)
      const waiting: Record<string, number> = {}
      /** How many turns the others had since this one waits and had its last turn. */
      const passedOver: Record<string, Record<string, number>> = {}
      let lastTaken: Named[] = []
      const enters = ({ organisation }: Named) => {
        waiting[organisation] = (waiting[organisation] ?? 0) + 1
        passedOver[organisation] ??= {}
      }
      for (const [n, step] of steps.entries()) {
        if ('offer' in step) {
          const one = named(`${step.offer}${n}`, step.commands)
          queue.offer(one)
          enters(one)
        } else if ('take' in step) {
          lastTaken = queue.take(step.take, all)
          for (const { organisation } of lastTaken) {
            waiting[organisation]!--
            if (waiting[organisation] === 0) delete passedOver[organisation]
            else passedOver[organisation] = {}
            for (const [other, turns] of Object.entries(passedOver)) {
              if (other === organisation) continue
              turns[organisation] = (turns[organisation] ?? 0) + 1
              if (turns[organisation] > 1) return false
            }
          }
        } else {
          queue.putBack(lastTaken)
          lastTaken.forEach(enters)
          lastTaken = []
        }
      }
      return true
    }),
    { numRuns: 1000 },
  )
})

t.test(
  'what is next of its organisation comes within as many batches as organisations wait, however large',
  async () => {
    const arrivals = fc.array(offers, { maxLength: 12 })
    fc.assert(
      fc.property(
        arrivals,
        fc.array(arrivals, { maxLength: 9 }),
        fc.integer({ min: 1, max: 8 }),
        (first, later, most) => {
          const queue = new Queue<Named>(Infinity, Infinity)
          let number = 0
          const arrive = (offers: typeof first) =>
            offers.map(({ offer, commands }) => {
              const one = named(`${offer}${number++}`, commands)
              queue.offer(one)
              return one
            })
          const heads = new Map<string, Named>()
          for (const one of arrive(first)) if (!heads.has(one.organisation)) heads.set(one.organisation, one)
          const missing = new Set(heads.values())
          for (let n = 0; n < heads.size; n++) {
            const taken = queue.take(most, all)
            if (taken.length > 1 && size(taken) > most) return false
            for (const one of taken) missing.delete(one)
            arrive(later[n] ?? [])
          }
          return missing.size === 0
        },
      ),
      { numRuns: 1000 },
    )
  },
)
