const codeOf = (error: unknown) => String((error as { code?: unknown }).code ?? '')

/** The connection is lost, or was never made. */
export function isLost(error: unknown): boolean {
  return /^(08|57P0|ECONN|EHOST|ENET|ETIMEDOUT|EPIPE|ENOTFOUND|EAI_AGAIN|CONNECTION_|CONNECT_TIMEOUT)/.test(
    codeOf(error),
  )
}

/** The database or the way to it is gone for a while: failover, restart, a full disk, a lost connection, a deadlock. */
export function isOutage(error: unknown): boolean {
  return isLost(error) || /^(53|57014|58030|25006|40001|40P01|55P03)/.test(codeOf(error))
}

/** Somebody else took a key between reading and recording: decided again, the command will know. */
export function isTaken(error: unknown): boolean {
  const { code, constraint_name } = error as { code?: string; constraint_name?: string }
  const keys = ['keys_pkey', 'commands_key', 'refusals_pkey']
  return code === 'CV005' || code === 'CV006' || (code === '23505' && keys.includes(constraint_name ?? ''))
}
