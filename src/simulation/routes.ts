import type { FastifyInstance } from 'fastify'
import type { Services } from '../engine/route.js'
export function simulationRoutes(_: FastifyInstance, __: Services): void {}
