import { z } from 'zod'

const base64 = z.string().meta({ description: 'Base64' })

export const checkpointView = z
  .object({
    size: z.number().meta({ description: 'Commands 1 to this number are in it 覆盖至指令号' }),
    root: base64,
    day: z.string(),
    signedAt: z.string(),
    note: z.string().meta({ description: 'The signed note itself 签名原文' }),
  })
  .meta({ id: 'Checkpoint' })

export const checkpointsView = z.object({
  verifier: z
    .string()
    .nullable()
    .meta({ description: 'What notes are checked with: name, number of the key, key (C2SP vkey) 验证公钥' }),
  items: z.array(checkpointView),
})

/** That a command is in a log; RFC 6962 over the SHA-256 of its leaf. */
export const proofView = z
  .object({
    book: z.string(),
    seq: z.number(),
    leaf: z.string().meta({ description: 'Canonical JSON (RFC 8785), byte for byte 叶子原文' }),
    long: z.string().nullable().meta({ description: 'The entry, when only its SHA-256 fits into the leaf' }),
    opening: z.object({ salt: base64, content: z.string() }).nullable().meta({
      description:
        "SHA-256(salt ‖ content) is the leaf's `content`: who asked, what, what came of it. For auditors; null for others 仅审计人员可见",
    }),
    size: z.number().meta({ description: 'Leaves of the tree that the proof leads to' }),
    inclusion: z.array(base64).meta({ description: 'Hashes from the leaf to the root of `checkpoint` 包含证明' }),
    since: z.number().nullable(),
    consistency: z
      .array(base64)
      .nullable()
      .meta({ description: 'That the tree of `since` leaves is the beginning of this one 一致性证明' }),
    checkpoint: z.string().meta({ description: 'The signed note' }),
  })
  .meta({ id: 'LogProof' })
