import type { AbstractHttpAdapter } from '@nestjs/core'
import { ExpressAdapter } from '@nestjs/platform-express'
import { FastifyAdapter } from '@nestjs/platform-fastify'

/** Nest's HTTP platforms. */
export const platforms = ['express', 'fastify'] as const

export const platformOf = (name: string): AbstractHttpAdapter =>
  name === 'fastify' ? new FastifyAdapter() : new ExpressAdapter()
