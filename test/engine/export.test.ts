/** Files written while they are read: who is waited for. */
import { EventEmitter } from 'node:events'
import t from 'tap'
import { patiently } from '../../src/engine/export.js'

t.test('a reader is cut off for taking nothing, never for waiting until there is something', async (t) => {
  const raw = Object.assign(new EventEmitter(), {
    patience: 0,
    destroyed: false,
    setTimeout(milliseconds: number) {
      raw.patience = milliseconds
    },
    destroy() {
      raw.destroyed = true
    },
  })
  const whileMade: number[] = []
  async function* made() {
    for (const part of ['a', 'b']) {
      whileMade.push(raw.patience)
      yield part
    }
    whileMade.push(raw.patience)
  }
  const whileTaken: number[] = []
  for await (const part of patiently(raw as never, made())) {
    whileTaken.push(raw.patience)
    t.type(part, 'string')
  }
  t.same(whileMade, [0, 0, 0])
  t.same(whileTaken, [60_000, 60_000])
  t.equal(raw.patience, 60_000, 'what was written last must be taken as well')
  raw.emit('timeout')
  t.ok(raw.destroyed)
})
