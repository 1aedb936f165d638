import { ServiceProcess } from './service-process.ts'

/** Services as processes that are replaced one after another, as in a rolling restart. */
export class RollingFleet implements AsyncDisposable {
  readonly #program: URL
  readonly #url: string
  readonly #services: ServiceProcess[] = []
  /** How long each took from SIGTERM to its exit. */
  readonly stopMs: number[] = []

  private constructor(program: URL, url: string) {
    this.#program = program
    this.#url = url
  }

  /**
   * Starts `count` processes of a program. It gets the registry's URL and an id as arguments, and
   * prints `registered`.
   */
  static async start(program: URL, url: string, count: number): Promise<RollingFleet> {
    const fleet = new RollingFleet(program, url)
    for (let id = 0; id < count; id += 1) fleet.#services.push(fleet.#launch(id))
    for (const service of fleet.#services) await service.until(/^registered$/)
    return fleet
  }

  /** Stops each by SIGTERM, and starts it again, before the next. Throws if one fails to stop. */
  async restart(): Promise<void> {
    for (const [id, old] of this.#services.entries()) {
      const beganMs = performance.now()
      old.signal('SIGTERM')
      const code = await old.exitCode
      if (code !== 0) throw new Error(`${id} exits with ${code}: ${old.lines.join(', ')}`)
      this.stopMs.push(Math.round(performance.now() - beganMs))
      const service = this.#launch(id)
      this.#services[id] = service
      await service.until(/^registered$/)
    }
  }

  #launch(id: number): ServiceProcess {
    return ServiceProcess.start(this.#program, this.#url, String(id))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#services.map((service) => service[Symbol.asyncDispose]()))
  }
}
