import Glibc
import Runtime

/// Suspends the task and holds no thread. It returns early when the task is cancelled.
func pause(for duration: Duration) async {
    await Latch().wait(atMost: duration)
}

func pause(until moment: ContinuousClock.Instant) async {
    await Latch().wait(atMost: moment - .now)
}

/// Blocks the thread, in whole milliseconds, where nothing can be awaited.
func blockThread(for duration: Duration) {
    poll(nil, 0, Int32(duration.milliseconds.rounded(.up)))
}
