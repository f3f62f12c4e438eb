import { z } from 'zod'

const amount = z.string().regex(/^-?\d+\.\d{2}$/)
const whole = z.number().int().min(0)

const balances = z.strictObject({
  /** After this entry of the book; 0 before its first one. */
  entry: whole,
  accounts: z.record(z.string(), z.strictObject({ posted: amount, held: amount })),
})
export type Balances = z.output<typeof balances>

/** What is in an auditor's bundle. */
export const bundleManifest = z.strictObject({
  format: z.literal(1),
  book: z.string().regex(/^\d{6}$/),
  /** The name of the log, as its checkpoints have it. */
  log: z.string(),
  /** Commands from this number, the first of an entry bundle, to this one. */
  from: whole.min(1),
  to: whole.min(1),
  /** Leaves of the tree that `checkpoint` is the head of. */
  size: whole.min(1),
  opening: balances,
  closing: balances,
})
export type BundleManifest = z.output<typeof bundleManifest>

export const files = {
  manifest: 'manifest.json',
  verifier: 'verifier.txt',
  checkpoint: 'checkpoint',
  checkpoints: 'checkpoints',
  long: 'long',
  openings: 'openings.jsonl',
  readme: 'README.md',
} as const
