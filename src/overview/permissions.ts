import {
  type Operation,
  permissions,
  type Reach,
  type Role,
  reaches,
  reachOf,
  roles,
  seconds,
} from '../platform/permissions.js'

/** What stands in the table of permissions for how far an operation reaches. */
export const marks: Readonly<Record<Reach, string>> = { own: '●', tree: '◐', bureaus: '◑', all: '○' }

/** One line of the table of permissions: an operation, for each role its mark or nothing, and who may be the second person. */
export interface Line {
  readonly operation: Operation
  readonly cells: readonly string[]
  readonly second: string
}

/** The table of permissions 权限表, an operation a line, a role a column. */
export function permissionLines(): Line[] {
  return (Object.keys(permissions) as Operation[]).map((operation) => {
    const allowed: readonly Role[] = permissions[operation]
    return {
      operation,
      cells: (Object.keys(roles) as Role[]).map((role) => (allowed.includes(role) ? marks[reachOf[operation]] : '')),
      second: Object.hasOwn(seconds, operation) ? seconds[operation as keyof typeof seconds].roles.join(', ') : '',
    }
  })
}

/** The table as a document, committed beside the OpenAPI one. */
export function permissionsText(): string {
  const legend = Object.entries(reaches).map(([reach, { zh, en }]) => `- ${marks[reach as Reach]} ${zh} · ${en}`)
  const head = ['operation', ...Object.entries(roles).map(([role, { zh }]) => `${zh} ${role}`), '复核人 second person']
  const row = (cells: readonly string[]) => `| ${cells.join(' | ')} |`
  return [
    '# 权限表 · Permissions',
    '',
    'Made from `src/platform/permissions.ts`; `test/permissions.test.ts` asks every operation as everyone and finds this.',
    '',
    ...legend,
    '',
    row(head),
    row(head.map(() => '---')),
    ...permissionLines().map(({ operation, cells, second }) => row([`\`${operation}\``, ...cells, second])),
    '',
  ].join('\n')
}
