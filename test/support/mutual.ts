/** Words of mutual recognition for the tests: one line asks one command, as whoever may ask it. */
import { offerAgreementCommand, signAgreementCommand } from '../../src/agreements/commands.js'
import { mapCategoryCommand } from '../../src/catalogue/commands.js'
import { isRefusal } from '../../src/core/refusals.js'
import type { Asked } from '../../src/engine/runner.js'
import { liftSuspensionCommand, updateProviderCommand, withdrawProviderCommand } from '../../src/providers/commands.js'
import { applyRecognitionCommand, refuseRecognitionCommand } from '../../src/recognition-applications/commands.js'
import {
  decideProviderObjectionCommand,
  objectToProviderCommand,
  reviewProviderCommand,
} from '../../src/reviews/commands.js'
import { bureau, firm } from './scene.js'
import type { Stage } from './stage.js'

export const profile = (over: object = {}) => ({
  qualifications: [{ kind: 'CMA', number: 'CMA-1', validTo: '2027-06-30' }],
  services: [{ category: 'testing', name: '材料检测', price: '800.00', unit: '次' }],
  instruments: [{ category: 'instrument', name: '电镜', price: '1200.00', unit: '小时', model: 'JEM-F200' }],
  contact: { name: '业务受理', phone: '0571-88880000', email: null },
  ...over,
})

const by = (type: unknown, command: object, jurisdiction: string, subject?: string) =>
  ({ type, command, actor: bureau(jurisdiction, subject) }) as unknown as Asked
const of = (type: unknown, command: object, organisation: string) =>
  ({ type, command, actor: firm(organisation) }) as unknown as Asked

export const mutual = {
  update: (provider: string, version: number | null = null, over: object = {}) =>
    of(updateProviderCommand, { provider, version, ...profile(over) }, provider),
  review: (jurisdiction: string, provider: string, over: object = {}) =>
    by(reviewProviderCommand, { provider, verdict: 'accepted', ...over }, jurisdiction),
  object: (provider: string, organisation: string) =>
    of(objectToProviderCommand, { provider, reason: '资质不实' }, organisation),
  decide: (jurisdiction: string, provider: string, objection: number, verdict: string, subject?: string) =>
    by(decideProviderObjectionCommand, { provider, objection, verdict, reason: '已核实' }, jurisdiction, subject),
  apply: (provider: string, jurisdiction: string) =>
    of(
      applyRecognitionCommand,
      { provider, jurisdiction, categories: ['testing'], from: '2026-01-01', to: '2026-12-31' },
      provider,
    ),
  refuse: (jurisdiction: string, provider: string) =>
    by(refuseRecognitionCommand, { provider, jurisdiction, reason: '材料不全' }, jurisdiction),
  map: (jurisdiction: string, localCode: string, category: string | null, from: string, to: string | null = null) =>
    by(mapCategoryCommand, { jurisdiction, localCode, name: `类别 ${localCode}`, category, from, to }, jurisdiction),
  withdraw: (jurisdiction: string, provider: string) =>
    by(withdrawProviderCommand, { provider, jurisdiction, reason: '注销' }, jurisdiction),
  lift: (jurisdiction: string, provider: string) =>
    by(liftSuspensionCommand, { provider, jurisdiction, reason: '复核' }, jurisdiction),
}

/** An agreement for testing that both have signed: its id and version. */
export async function signed(stage: Stage, accepting: string, home: string, over: object = {}) {
  const terms = { categories: ['testing'], from: '2026-01-01', to: '2026-12-31', running: 'complete', ...over }
  const offer = by(offerAgreementCommand, { accepting, home, by: accepting, ...terms }, accepting)
  const offered = (await stage.must(offer)).event as { agreement: string; version: number }
  const sign = by(signAgreementCommand, { ...offered, by: home, signed: undefined }, home)
  return (await stage.must(sign)).event as { agreement: string; version: number }
}

/** The code of a refusal, or `done`. */
export async function outcomeOf(stage: Stage, asked: Asked): Promise<string> {
  const outcome = await stage.engine.run(asked)
  return isRefusal(outcome) ? outcome.refused : 'done'
}
