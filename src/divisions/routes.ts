import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import { allDivisions, divisionName, isJurisdiction, level, parentOf, zones } from '../core/division.js'
import { readRoute } from '../engine/route.js'
import { divisionView, zoneView } from './contract.js'

const tag = 'divisions 行政区划'

export function divisionRoutes(app: FastifyInstance): void {
  readRoute(app, {
    operation: 'listDivisions',
    url: '/v1/divisions',
    tag,
    summary: { en: 'Divisions of the four provinces, abolished ones included', zh: '四省市行政区划（含已撤销）' },
    answer: z.object({ items: z.array(divisionView) }),
    read: async () => ({
      items: allDivisions.map((unit) => ({
        ...unit,
        level: level(unit.code),
        parent: parentOf(unit.code),
        keepsBook: isJurisdiction(unit.code),
      })),
    }),
  })
  readRoute(app, {
    operation: 'listZones',
    url: '/v1/zones',
    tag,
    summary: { en: 'Cross-province zones, usable as a reach', zh: '跨省示范区列表' },
    answer: z.object({ items: z.array(zoneView) }),
    read: async () => ({
      items: zones.map(({ members, ...zone }) => ({
        ...zone,
        members: members.map((code) => ({ code, name: divisionName(code)! })),
      })),
    }),
  })
}
