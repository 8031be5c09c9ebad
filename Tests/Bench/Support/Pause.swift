import Glibc
import Runtime

/// Costs no thread. Ends early when the task is cancelled.
func pause(seconds: Double) async {
    await Latch().wait(atMost: .seconds(seconds))
}

func pause(until moment: ContinuousClock.Instant) async {
    await Latch().wait(atMost: moment - .now)
}

/// Blocks the thread: for what must also work where nothing can be awaited.
func block(milliseconds: Int32) {
    poll(nil, 0, milliseconds)
}
