import { experimental, Metadata, status } from '@grpc/grpc-js'

type GrpcPicker = experimental.Picker
type PickResult = experimental.PickResult

/** Lets calls wait for the next picker. */
export const queuePicker: GrpcPicker = {
  pick: () => ({
    pickResultType: experimental.PickResultType.QUEUE,
    subchannel: null,
    status: null,
    onCallStarted: null,
    onCallEnded: null,
  }),
}

/** Fails calls with UNAVAILABLE; those with `waitForReady` wait for the next picker. */
export const unavailable = (details: string): PickResult => ({
  pickResultType: experimental.PickResultType.TRANSIENT_FAILURE,
  subchannel: null,
  status: { code: status.UNAVAILABLE, details, metadata: new Metadata() },
  onCallStarted: null,
  onCallEnded: null,
})

/** A picker that returns `unavailable` for each call. */
export const unavailablePicker = (details: string): GrpcPicker => ({
  pick: () => unavailable(details),
})

/** Fails all calls with INTERNAL, also those with `waitForReady`, as waiting would not help. */
export const refusingPicker = (details: string): GrpcPicker => ({
  pick: () => ({
    pickResultType: experimental.PickResultType.DROP,
    subchannel: null,
    status: { code: status.INTERNAL, details, metadata: new Metadata() },
    onCallStarted: null,
    onCallEnded: null,
  }),
})
