import type { Sql } from '../platform/database.js'

interface Row {
  readonly group: string
  readonly year: number
  readonly version: number
  readonly periods: { period: string; through: string; closed: boolean }[]
}

/** Every calendar, by group and year; with which of its periods are closed. */
export function allCalendars(sql: Sql): Promise<Row[]> {
  return sql<Row[]>`
    select c.group_name as "group", c.year, c.version::float8 as version,
           (select json_agg(json_build_object('period', x.period, 'through', x.through, 'closed', p.period is not null)
                            order by x.through)
            from jsonb_to_recordset(c.periods) as x (period text, through text)
            left join periods p on p.period = x.period) as periods
    from period_calendars c order by c.group_name, c.year`
}
