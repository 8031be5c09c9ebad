import Dispatch
import Runtime
import XCTest

final class MetricsTests: XCTestCase {
    private enum Source: String, NamedMetricLabel {
        case front, rear
        static let labelName = "source"
    }

    private enum Result: String, NamedMetricLabel {
        case accepted, refused
        static let labelName = "result"
    }

    func testEveryKindIsRenderedAsPrometheusText() {
        let metrics = Metrics()
        let total = metrics.counter("events_total", "Events.")
        let level = metrics.gauge("queue_depth", "Waiting.")
        metrics.gauge("workers", "Now.") { 3 }
        let seconds = metrics.histogram("ack_seconds", "Answers.", buckets: [0.5, 1])
        total.add()
        total.add(2)
        level.set(5)
        level.add(-2)
        seconds.observe(.milliseconds(500))
        seconds.observe(0.75)
        seconds.observe(2)
        XCTAssertEqual(
            metrics.render(),
            """
            # HELP liaison_events_total Events.
            # TYPE liaison_events_total counter
            liaison_events_total 3
            # HELP liaison_queue_depth Waiting.
            # TYPE liaison_queue_depth gauge
            liaison_queue_depth 3
            # HELP liaison_workers Now.
            # TYPE liaison_workers gauge
            liaison_workers 3
            # HELP liaison_ack_seconds Answers.
            # TYPE liaison_ack_seconds histogram
            liaison_ack_seconds_bucket{le="0.5"} 1
            liaison_ack_seconds_bucket{le="1.0"} 2
            liaison_ack_seconds_bucket{le="+Inf"} 3
            liaison_ack_seconds_sum 3.25
            liaison_ack_seconds_count 3

            """)
    }

    func testEveryCombinationOfLabelsIsThereFromTheStart() {
        let metrics = Metrics()
        let received = metrics.counter(
            "received_total", "Received.", by: LabelPair<Source, Result>.self)
        received[.front, .refused].add()
        XCTAssertEqual(
            metrics.render().split(separator: "\n").dropFirst(2),
            [
                #"liaison_received_total{source="front",result="accepted"} 0"#,
                #"liaison_received_total{source="front",result="refused"} 1"#,
                #"liaison_received_total{source="rear",result="accepted"} 0"#,
                #"liaison_received_total{source="rear",result="refused"} 0"#,
            ])
    }

    func testCountingFromManyThreadsLosesNothing() {
        let metrics = Metrics()
        let total = metrics.counter("total", "Total.")
        let sizes = metrics.histogram("size", "Size.", buckets: [1])
        DispatchQueue.concurrentPerform(iterations: 8) { _ in
            for _ in 0..<1000 {
                total.add()
                sizes.observe(1)
            }
        }
        XCTAssertEqual(total.value, 8000)
        XCTAssertTrue(metrics.render().contains("liaison_size_sum 8000.0\n"))
    }
}
