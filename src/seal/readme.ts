import { type AccountKind, accountKinds, names } from '../ledger/chart.js'
import type { BundleManifest } from './manifest.js'

/** The kinds of accounts of which this is true. */
const kinds = (is: (kind: AccountKind) => boolean) => names(accountKinds).filter(is).join(', ')

/** How anybody can verify a bundle, without our code. */
export function bundleReadme({ book, log, from, to, size }: BundleManifest): string {
  return `# Audit bundle 审计包: book 账套 ${book}, commands 指令 ${from}–${to}

Cut from the log \`${log}\` as it was when it had ${size} commands. Nothing else is needed to verify it but the public
key, which you should have from the operator by another way than this folder (\`verifier.txt\` is only a copy).

    npm run audit:verify -- FOLDER [--key KEY] [--against NOTE …]

核验只需本目录和公钥；公钥请通过其他渠道取得并与 \`verifier.txt\` 比对。\`--against\` 接您此前留存的检查点文件。

## What is here

| file | what it is |
|---|---|
| \`checkpoint\` | the signed head of the log: C2SP tlog-checkpoint, signed-note, Ed25519 |
| \`checkpoints/SIZE\` | older signed heads: the last of every day, and those of the last hour before the bundle was made |
| \`tile/L/N\` | hash tiles, C2SP tlog-tiles; partial ones \`tile/L/N.p/W\` |
| \`tile/entries/N\` | the entries: each after its length in two bytes, big-endian |
| \`long/SEQ.json\` | transfers of an entry that is too long for its leaf |
| \`openings.jsonl\` | only when asked for: what leaves commit to |
| \`manifest.json\` | the range, and the balances before and after it |

An entry is one command of the book, canonical JSON (RFC 8785), in the order of its number \`seq\`:
\`{"book","bookedAt","content","day","entry","kind","rests","seq","transfers":[{"amount","credit","debit","hold","leg","phase","type"}]}\`.
Amounts are yuan. An account is \`kind:owner\`, or \`kind\`. \`entry\` is the number of the journal entry 凭证号, null for
a command that moves no money. \`content\` commits to who asked, what and what came of it, and hides it: it is
SHA-256(salt ‖ text), the salt 32 bytes that only auditors are given.

## Step by step 核验步骤

1. **Signature.** \`verifier.txt\` is NAME+ID+KEY. KEY is base64 of 0x01 and the 32 bytes of an Ed25519 key; ID is the first
   four bytes of SHA-256(NAME ‖ "\\n" ‖ 0x01 ‖ key). \`checkpoint\` is text, an empty line, and lines \`— NAME base64(ID ‖
   signature)\`; the signature is over the text with the newline that ends it. The text's lines: NAME, the size, the
   root in base64. The name and the size must be those of \`manifest.json\`.
2. **Tiles.** \`tile/L/N\` has up to 256 hashes of 32 bytes. A hash at level 0 is SHA-256(0x00 ‖ entry); one at level L
   is the root over tile L−1 of the same number. The root over a list of hashes: of one, itself; of n, SHA-256(0x01 ‖
   root of the first k ‖ root of the rest), k the largest power of two below n (RFC 6962). N is written in groups of
   three digits, all but the last after an x: 1234067 is \`x001/x234/067\`. With s the size: at each level L the rest of
   ⌊s / 256^L⌋ by 256 is the width of that level's partial tile. The root over the whole: begin at level 0; the list is
   the hashes of the partial tile and, last, the result of the level below, if there was one. It must be the
   checkpoint's. Every full tile must come to its hash in the tile above it.
3. **Entries.** Each entry's SHA-256(0x00 ‖ entry) is its hash in \`tile/0\`. Command ${from} is the first entry of
   the first bundle. \`seq\` goes up by one, so does \`entry\` where it is not null; \`bookedAt\` never goes back.
4. **Balances.** Begin with \`opening\` (empty when \`from\` is 1; else it rests on the operator's word: ask for a bundle from 1).
   A transfer of phase \`post\` or \`capture\` adds to \`posted\` of the account on whose normal side it stands, and takes
   from it on the other; \`hold\` adds to \`held\` of the debit account, \`capture\` and \`release\` take from it.
   Normally debit: ${kinds((kind) => accountKinds[kind].normal === 'debit')}; all others credit. After each entry \`held\` is not below
   zero, and \`posted\` not below \`held\` but for ${kinds((kind) => !accountKinds[kind].floor)}. The end is \`closing\`.
5. **Append-only.** For each older checkpoint, check the signature; work the root out at its size from the same tiles
   (step 2, with the first hashes of each). It must be the one that was signed. Two signed checkpoints of one log that
   do not agree prove that somebody changed the past: keep both, they convict the signer.
6. **What was opened.** \`openings.jsonl\` has one line for each command, in order; the salt has 32 bytes. SHA-256(salt ‖ content) is
   the leaf's \`content\`. A long entry's SHA-256 is \`transfersHash\`.

Keep \`checkpoint\`: it is what next year's bundle is held against (\`--against\`). A checkpoint from elsewhere, of some
size between, needs tiles that a bundle may not have: give it to \`audit:bundle --against\` as well.
请留存 \`checkpoint\` 文件，供日后比对；另行取得的检查点，生成审计包时须以 \`--against\` 一并提供。
`
}
