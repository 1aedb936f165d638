/**
 * Metrics and traces for OpenTelemetry, of registries and of calls to services by name.
 * @module
 */
export { type Instrumentation, instrument, type InstrumentOptions } from './instrument.ts'
