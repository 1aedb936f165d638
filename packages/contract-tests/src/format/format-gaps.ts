import { jsonFormat, type FormatPart, type WireFormat } from '@sd/core/driver'

/** The cases that need a part of the record which a format may lack. */
const casesOf: Readonly<Partial<Record<FormatPart, readonly string[]>>> = {
  claim: [
    'R12 begins anew with a newer registration of the id',
    'R12 lets an operator change the health, or says that only the owner can',
    'R7 keeps the newer owner after the server was wiped',
    'R7 lets the newer registration take over at once',
    'R7 yields to another owner, and never takes over its record',
    'R9 adopts an edit by another client, or refuses it where only the owner can change a record',
    'T1 keeps the higher of two claims that are written at the same time, or both learn by audit which is stored',
    'T1 lets one of two owners win that create an id at the same time, or both learn the winner by audit',
    'T10 reports by audit which records are ours, missing or replaced, in order',
    'T11 edits a record only if it is unchanged since it was read, and leaves it to its session, or has no edit',
    'T2 lets the same owner overwrite in either mode, also over a higher claim of its own',
    'T2 overwrites another owner’s record only with a higher claim, and never with if-absent',
    'T27 keeps a record that its owner registers again while its removal is late',
    'T28 lets two owners take a record over from each other repeatedly',
    'T28 reports a record that another owner replaced, and has removed since, as replaced',
    'T3 keeps a record that another owner takes over during its removal, or reports it missing by audit',
    'T3 removes an owner’s records of all its sessions, and never another owner’s',
    'T5 keeps a record that moved to a later session when the earlier one expires',
    'T5 ties a record of an earlier session of the same owner to the session that writes it again',
    'T6 removes on close the records tied to the session, and none that moved to another',
    'an operator reads who registered an instance, when and with which ttl, and removes its record',
  ],
  health: [
    'R12 keeps a failing instance registered for longer than its ttl',
    'R12 keeps a health after its session expired',
    'R12 keeps a health through recovery',
    'R12 publishes a health in place: nobody sees the instance leave',
    'R12 publishes what the check of its owner reports',
    'R12 registers an instance with a health',
  ],
  weight: [
    'T2 replaces the whole record when its owner writes again, in place',
    'R4 no watcher sees a blink over a link that is slow',
    'R9 keeps an update through recovery',
    'R9 updates in place, and the last call wins',
    'T12 uses one key for a record: in put, list and observe, before and after an update',
    'T14 begins with a snapshot, and delivers every change and every removal after it',
    'T27 keeps the later of two writes of a session when the earlier one arrives late',
    'T27 keeps the later of two writes of a session when the earlier one was aborted on a frozen server',
    'W2 delivers to each reader the net difference since its last event',
    'W3 continues on a server that was restored from an older backup, and written to, while the watch was cut off',
    'W3 reflects what changed while it was cut off',
    'W3 loses no change over a link that is cut repeatedly',
    'W5 merges changes for a reader that does not read, and delays no other reader',
  ],
  metadata: [
    'T20 passes heartbeats while a write hangs',
    'D5 reads for longer than a call may take while its connection makes progress, and gives up on silence',
    'R1 lists the instance from another client once register resolves',
    'capability maxRecordBytes: a larger record is refused before any I/O, a smaller one is stored unchanged',
  ],
}

/** Cases about names that a format with names in its keys cannot express. */
const casesOfNames: readonly string[] = [
  'D2 keeps services apart whose names contain one another, and returns unusual names unchanged',
]

/** Cases about the records of the default format, which set it themselves. */
const defaultFormatCases: ReadonlySet<string> = new Set([
  'D7 reads records of an earlier and of a later version, and an edit keeps all that they contain',
  'R9 keeps the fields of a record that this version does not know',
])

const slashed = {
  service: 'a/b',
  id: 'a',
  endpoints: ['http://10.0.0.7:8080'],
  weight: 100,
  health: 'passing',
  tags: [],
  metadata: {},
}

/** The cases that cannot pass with that format, each with the reason. */
export const formatGaps = (format: WireFormat): Readonly<Record<string, string>> => {
  const { name, lacks } = format
  const lacking = lacks.flatMap((part) =>
    (casesOf[part] ?? []).map((each): [string, string] => [
      each,
      `the format ${name} has no room for the ${part}`,
    ]),
  )
  const refused =
    format.refusal?.(slashed) === undefined
      ? []
      : casesOfNames.map((each): [string, string] => [
          each,
          `the format ${name} cannot express every name`,
        ])
  return Object.fromEntries([...lacking, ...refused])
}

/** Why a case does not run with that format; `undefined` if it does. */
export const whyNotWith = (format: WireFormat, caseName: string): string | undefined =>
  format !== jsonFormat && defaultFormatCases.has(caseName)
    ? `it is about the default format, not ${format.name}`
    : undefined
