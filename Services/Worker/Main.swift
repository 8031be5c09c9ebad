import Foundation
import Runtime

@main
struct Main {
    static func main() async {
        Heap.shareOneArena()
        let stop = Latch()
        TerminationSignals.open(stop)
        do {
            try await run(WorkerConfiguration.read(), until: stop)
        } catch {
            FileHandle.standardError.write(Data("worker: \(error)\n".utf8))
            exit(1)
        }
    }
}
