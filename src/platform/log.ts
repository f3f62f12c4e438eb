import { type DestinationStream, type Logger, pino } from 'pino'

/** What PostgreSQL says of the rows it refused. */
const OF_ROWS = ['detail', 'where', 'query', 'parameters', 'params', 'args', 'raw']

/** An error as it is logged: its causes, too, but nothing of what was asked or of the rows it was about. */
function serialised(error: Error): object {
  const { message, stack, cause, ...more } = pino.stdSerializers.errWithCause(error)
  for (const name of OF_ROWS) delete more[name]
  const because = error.cause instanceof Error ? { cause: serialised(error.cause) } : {}
  return { ...more, message: bare(message), stack: bare(stack), ...because }
}

/** Drizzle puts the parameters behind the query that failed. */
const bare = (text: string) => text.replace(/\nparams: [^\n]*/g, '')

/** The log of the service: no tokens, no names, no numbers of anybody. */
export const openLog = (level: string, destination?: DestinationStream): Logger =>
  pino(
    {
      level,
      redact: ['req.headers.authorization', '*.password', '*.token'],
      serializers: { err: serialised },
    },
    destination as DestinationStream,
  )
