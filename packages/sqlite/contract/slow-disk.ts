import { spawnSync } from 'node:child_process'
import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** While the file named by SD_SLOW_DISK exists, whoever asks for a sync waits. */
const shim = `
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <unistd.h>
static int after_the_disk(const char *name, int fd) {
  const char *flag = getenv("SD_SLOW_DISK");
  while (flag && access(flag, F_OK) == 0) usleep(10000);
  return ((int (*)(int))dlsym(RTLD_NEXT, name))(fd);
}
int fsync(int fd) { return after_the_disk("fsync", fd); }
int fdatasync(int fd) { return after_the_disk("fdatasync", fd); }
`

/**
 * A disk whose syncs (fsync, fdatasync) hang on demand, for processes that are started with `env`.
 * It is a library that is loaded before the C library.
 */
export class SlowDisk {
  readonly env: Readonly<Record<string, string>>
  readonly #flag: string

  private constructor(library: string, flag: string) {
    this.env = { LD_PRELOAD: library, SD_SLOW_DISK: flag }
    this.#flag = flag
  }

  /** Builds the library in `folder`; `undefined` where no C compiler for Linux is installed. */
  static build(folder: string): SlowDisk | undefined {
    if (process.platform !== 'linux') return undefined
    const library = join(folder, 'slow-disk.so')
    const built = spawnSync('cc', ['-shared', '-fPIC', '-o', library, '-xc', '-', '-ldl'], {
      input: shim,
    })
    return built.status === 0 ? new SlowDisk(library, join(folder, 'slow')) : undefined
  }

  /** From now on every sync hangs. */
  hang(): void {
    writeFileSync(this.#flag, '')
  }

  /** The syncs that hang return. */
  recover(): void {
    rmSync(this.#flag, { force: true })
  }
}
